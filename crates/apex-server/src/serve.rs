//! Serving until the process is ended: who looks at programs, who answers, who pushes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::gather::Gatherer;
use crate::gpu::Cards;
use crate::http;
use crate::metrics::{Families, Family};
use crate::processes::{KEEP, Processes};
use crate::push::Collector;

/// Where metrics are served, unless somebody says otherwise: to this machine alone.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:9836";
/// How often programs are looked for. One that ends before it is found leaves nothing.
const SCAN_INTERVAL: Duration = Duration::from_millis(50);

/// What to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that programs publish in.
    pub folder: PathBuf,
    /// The address to serve Prometheus at.
    pub metrics: Option<SocketAddr>,
    /// The collector to push to.
    pub otlp: Option<String>,
    /// How often it is pushed to.
    pub push_interval: Duration,
    /// Kernels of a process that have labels of their own, by time; twice as many at most in the course of its life.
    pub kernels: usize,
}

/// What all threads use.
pub struct Shared {
    state: Mutex<Known>,
    cards: Cards,
    kernels: usize,
}

struct Known {
    processes: Processes,
    gatherer: Gatherer,
    /// A folder that cannot be read is told once.
    is_told: bool,
}

impl Shared {
    fn new(options: &Options) -> Shared {
        let processes = Processes::of(&options.folder, KEEP);
        let state = Known { processes, gatherer: Gatherer::default(), is_told: false };
        Shared { state: Mutex::new(state), cards: Cards::find(), kernels: options.kernels }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every metric, as it is now.
    pub fn gather(&self) -> Vec<Family> {
        let mut families = Families::default();
        {
            let mut known = self.known();
            known.scan();
            let Known { processes, gatherer, .. } = &mut *known;
            gatherer.gather(processes, self.kernels, &mut families);
        }
        self.cards.gather(&mut families);
        families.sorted()
    }
}

impl Known {
    fn scan(&mut self) {
        if let Err(error) = self.processes.scan()
            && !std::mem::replace(&mut self.is_told, true)
        {
            eprintln!("apex: cannot look for programs: {error}");
        }
    }
}

/// Serves until the process is ended. Says on stderr where.
///
/// # Errors
/// When the address cannot be served, or the collector's is none.
pub fn serve(options: &Options) -> Result<()> {
    let shared = Arc::new(Shared::new(options));
    if let Some(endpoint) = &options.otlp {
        let (collector, interval) = (Collector::at(endpoint)?, options.push_interval);
        let shared = Arc::clone(&shared);
        thread::Builder::new().name("apex-push".into()).spawn(move || collector.run(&shared, interval))?;
    }
    let scanning = Arc::clone(&shared);
    let scan = move || -> () {
        loop {
            scanning.known().scan();
            thread::sleep(SCAN_INTERVAL);
        }
    };
    match options.metrics {
        Some(address) => {
            thread::Builder::new().name("apex-scan".into()).spawn(scan)?;
            answer(shared, address)
        }
        None => {
            scan();
            Ok(())
        }
    }
}

fn answer(shared: Arc<Shared>, address: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("cannot serve at {address}"))?;
        eprintln!("apex: metrics are at http://{}/metrics", listener.local_addr()?);
        Ok(axum::serve(http::Limited::new(listener), http::router(shared)).await?)
    })
}
