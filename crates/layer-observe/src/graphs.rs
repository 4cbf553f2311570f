//! The nodes of graphs, looked at when a graph is instantiated.

use crate::layer::Observed;
use crate::ops::volume;
use crate::table::Table;
use cuda_abi::*;
use driver_api::op::{ContextFacts, Definition, Launch, LaunchShape, NodeFacts};
use driver_api::{Driver, Observer};
use std::sync::atomic::{AtomicU32, Ordering};

/// Most nodes of a graph that are looked at.
const NODES_MAX: usize = 1 << 18;
/// How deep child graphs are followed.
const DEPTH_MAX: usize = 16;

/// The numbers of graphs.
pub(crate) struct Graphs {
    /// By the handle of the instantiated graph.
    numbers: Table<{ 1 << 12 }>,
    last: AtomicU32,
}

impl Graphs {
    pub(crate) fn new() -> Graphs {
        Graphs { numbers: Table::new(), last: AtomicU32::new(0) }
    }

    /// The number of an instantiated graph; 0 if it is not known.
    #[inline]
    pub(crate) fn number(&self, graph: CUgraphExec) -> u32 {
        self.numbers.get(graph.addr() as u64).unwrap_or(0) as u32
    }

    /// An instantiated graph is gone.
    pub(crate) fn forget(&self, graph: CUgraphExec) {
        self.numbers.forget(graph.addr() as u64);
    }
}

impl<D: Driver, O: Observer> Observed<D, O> {
    /// A graph was instantiated, or an instantiated one made like it: looks at its nodes and gives it a number.
    pub(crate) fn define_graph(&self, instantiated: CUgraphExec, graph: CUgraph) {
        let epoch = self.graphs.numbers.epoch();
        let context = self.facts.context(CUstream::NULL, &self.below, &self.definer());
        let mut nodes = Vec::new();
        self.add_nodes(graph, context, 0, &mut nodes);
        let number = self.graphs.last.fetch_add(1, Ordering::Relaxed) + 1;
        self.definer()(Definition::Graph { number, nodes: &nodes });
        self.graphs.numbers.set(instantiated.addr() as u64, number.into(), epoch);
    }

    fn add_nodes(&self, graph: CUgraph, context: &ContextFacts, depth: usize, nodes: &mut Vec<NodeFacts>) {
        let mut count = 0;
        // SAFETY: without a list the driver answers with the number of nodes.
        let result = unsafe { self.below.cuGraphGetNodes(graph, core::ptr::null_mut(), &mut count) };
        if result != CUresult::CUDA_SUCCESS || depth > DEPTH_MAX {
            return;
        }
        count = count.min(NODES_MAX.saturating_sub(nodes.len()));
        let mut handles = vec![CUgraphNode::NULL; count];
        // SAFETY: the list is as long as is said.
        let result = unsafe { self.below.cuGraphGetNodes(graph, handles.as_mut_ptr(), &mut count) };
        if result != CUresult::CUDA_SUCCESS {
            return;
        }
        handles.truncate(count);
        let mut children = Vec::new();
        for node in handles {
            let facts = self.node(node, context);
            if facts.kind == CUgraphNodeType::CU_GRAPH_NODE_TYPE_GRAPH.0 {
                children.push(node);
            }
            nodes.push(facts);
        }
        for node in children {
            let mut child = CUgraph::NULL;
            if self.below.cuGraphChildGraphNodeGetGraph(node, &mut child) == CUresult::CUDA_SUCCESS {
                self.add_nodes(child, context, depth + 1, nodes);
            }
        }
    }

    fn node(&self, node: CUgraphNode, context: &ContextFacts) -> NodeFacts {
        use CUgraphNodeType as T;
        let mut kind = T(u32::MAX);
        if self.below.cuGraphNodeGetType(node, &mut kind) != CUresult::CUDA_SUCCESS {
            kind = T(u32::MAX);
        }
        let (mut launch, mut bytes) = (None, 0);
        match kind {
            T::CU_GRAPH_NODE_TYPE_KERNEL => launch = self.kernel_node(node, context),
            T::CU_GRAPH_NODE_TYPE_MEMCPY => {
                let mut copy = CUDA_MEMCPY3D::default();
                // SAFETY: the driver fills the struct; nothing in it is followed.
                if unsafe { self.below.cuGraphMemcpyNodeGetParams(node, &mut copy) } == CUresult::CUDA_SUCCESS {
                    bytes = volume(copy.WidthInBytes, copy.Height, copy.Depth);
                }
            }
            T::CU_GRAPH_NODE_TYPE_MEMSET => {
                let mut set = CUDA_MEMSET_NODE_PARAMS::default();
                if self.below.cuGraphMemsetNodeGetParams(node, &mut set) == CUresult::CUDA_SUCCESS {
                    bytes = volume(set.width, set.height.max(1), set.elementSize as usize);
                }
            }
            _ => {}
        }
        NodeFacts { kind: kind.0, launch, bytes: bytes as u64 }
    }

    fn kernel_node(&self, node: CUgraphNode, context: &ContextFacts) -> Option<Launch> {
        let mut parameters = CUDA_KERNEL_NODE_PARAMS::default();
        // SAFETY: as above.
        if unsafe { self.below.cuGraphKernelNodeGetParams_v2(node, &mut parameters) } != CUresult::CUDA_SUCCESS {
            return None;
        }
        if !parameters.kern.is_null() {
            self.facts.note_graph_kernel(parameters.kern);
        }
        let function = if parameters.kern.is_null() { parameters.func } else { CUfunction(parameters.kern.0) };
        let shape = LaunchShape {
            grid: [parameters.gridDimX, parameters.gridDimY, parameters.gridDimZ],
            block: [parameters.blockDimX, parameters.blockDimY, parameters.blockDimZ],
            dynamic_shared: parameters.sharedMemBytes,
            cluster: 0,
        };
        let kernel = self.facts.kernel(function, context, &self.below, &self.definer());
        Some(Launch { kernel, shape, is_cooperative: false })
    }
}
