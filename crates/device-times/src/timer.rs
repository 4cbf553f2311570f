//! Which way is taken, and when it is left.

use crate::cupti::Session;
use crate::events::Events;
use cuda_abi::CUresult;
use driver_api::op::{Action, Definition, Op};
use driver_api::{DeviceTimeSink, DeviceTimer, Driver};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

/// How times are found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By CUPTI, or by events where that cannot be had.
    Any,
    /// By CUPTI alone.
    Cupti,
    /// By events alone.
    Events,
}

impl Method {
    /// The method of a value of `APEX_DEVICE_TIMES`; `None` for one that asks for no times.
    ///
    /// # Errors
    /// When the value means nothing.
    pub fn parse(value: &str) -> Result<Option<Method>, String> {
        match value {
            "" | "0" => Ok(None),
            "1" => Ok(Some(Method::Any)),
            "cupti" => Ok(Some(Method::Cupti)),
            "events" => Ok(Some(Method::Events)),
            other => Err(format!("{other:?} is none of 0, 1, cupti and events")),
        }
    }
}

/// A timer over a driver that tells `sink`. It begins with the first op in a context: CUPTI then ends before the driver does.
pub fn timer(
    method: Method,
    below: &'static dyn Driver,
    sink: &'static dyn DeviceTimeSink,
) -> &'static dyn DeviceTimer {
    let timer = Timer {
        method,
        sink,
        way: AtomicU8::new(NOT_BEGUN),
        session: OnceLock::new(),
        events: Events::new(below, sink),
        process: AtomicU32::new(0),
    };
    let timer: &'static Timer = Box::leak(Box::new(timer));
    let _ = INSTALLED.set(timer);
    timer
}

/// The timer that is asked for the last time when the process exits.
static INSTALLED: OnceLock<&'static Timer> = OnceLock::new();

const NOT_BEGUN: u8 = 0;
/// A thread is at it. CUPTI may call the driver meanwhile, and so come by here.
const BEGINNING: u8 = 4;
const BY_CUPTI: u8 = 1;
const BY_EVENTS: u8 = 2;
/// Nothing is timed.
const NONE: u8 = 3;

struct Timer {
    method: Method,
    sink: &'static dyn DeviceTimeSink,
    way: AtomicU8,
    session: OnceLock<&'static Session>,
    events: Events,
    /// The process that it began in.
    process: AtomicU32,
}

impl Timer {
    #[cold]
    fn begin(&self) {
        let is_first = self.way.compare_exchange(NOT_BEGUN, BEGINNING, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if !is_first {
            return;
        }
        let way = match self.method {
            Method::Events => self.by_events("as was asked for"),
            Method::Any | Method::Cupti => match Session::begin(self.sink) {
                Ok(session) => {
                    let _ = self.session.set(session);
                    self.sink.method(&session.name());
                    BY_CUPTI
                }
                Err(reason) if self.method == Method::Any => self.by_events(&format!("CUPTI: {reason}")),
                Err(reason) => {
                    self.sink.method("none");
                    eprintln!("apex: launches are not timed on the device: CUPTI: {reason}");
                    NONE
                }
            },
        };
        self.process.store(std::process::id(), Ordering::Release);
        // After CUPTI, and the driver, have made theirs: this runs before.
        stdx::at_exit(at_exit);
        self.way.store(way, Ordering::Release);
    }

    fn by_events(&self, why: &str) -> u8 {
        self.sink.method(&format!("events ({why})"));
        BY_EVENTS
    }

    fn session(&self) -> Option<&'static Session> {
        match self.way.load(Ordering::Acquire) {
            BY_CUPTI => self.session.get().copied(),
            _ => None,
        }
    }
}

extern "C" fn at_exit(_status: i32) {
    // A forked child has neither a driver nor CUPTI, whose locks may be held for ever.
    if let Some(timer) = INSTALLED.get().filter(|timer| timer.process.load(Ordering::Acquire) == std::process::id()) {
        timer.collect(true);
        timer.way.store(NONE, Ordering::Release);
    }
}

/// What takes the device's time.
fn is_timed(op: &Op) -> bool {
    !op.is_captured
        && matches!(
            op.action,
            Action::Launch(_) | Action::GraphLaunch { .. } | Action::Copy { .. } | Action::Set { .. }
        )
}

impl DeviceTimer for Timer {
    fn define(&self, definition: &Definition<'_>) {
        if let Definition::Graph { .. } = definition
            && let Some(session) = self.session()
        {
            session.define(definition);
        }
    }

    #[inline]
    fn before(&self, tag: u64, op: &Op) {
        // Not when the context is defined: what defines it holds locks.
        if self.way.load(Ordering::Acquire) == NOT_BEGUN && op.context.number != 0 {
            self.begin();
        }
        match self.way.load(Ordering::Acquire) {
            BY_CUPTI => {
                let graph = match op.action {
                    Action::GraphLaunch { graph } if !op.is_captured => Some(graph),
                    _ => None,
                };
                if let Some(session) = self.session.get() {
                    session.before(tag, graph);
                }
            }
            BY_EVENTS if is_timed(op) => self.events.before(tag, op),
            _ => {}
        }
    }

    #[inline]
    fn after(&self, next: u64, op: &Op, result: CUresult) {
        match self.way.load(Ordering::Acquire) {
            BY_CUPTI => {
                if let Some(session) = self.session.get() {
                    session.after(next, is_timed(op));
                }
            }
            BY_EVENTS if is_timed(op) => self.events.after(op, result),
            _ => {}
        }
    }

    fn contexts_go(&self) {
        self.events.contexts_go();
    }

    fn collect(&self, is_last: bool) {
        if let Some(session) = self.session()
            && !session.collect(is_last)
        {
            session.leave();
            let way = match self.method {
                Method::Cupti => {
                    self.sink.method("none (another profiler took CUPTI)");
                    NONE
                }
                _ => self.by_events("another profiler took CUPTI"),
            };
            self.way.store(way, Ordering::Release);
        }
        if self.way.load(Ordering::Acquire) == BY_EVENTS {
            self.events.collect(is_last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_names() {
        let parsed = ["", "0", "1", "cupti", "events"].map(|value| Method::parse(value).unwrap());
        assert_eq!(parsed, [None, None, Some(Method::Any), Some(Method::Cupti), Some(Method::Events)]);
        assert!(Method::parse("yes").unwrap_err().contains("\"yes\""));
    }
}
