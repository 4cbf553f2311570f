//! Metrics pushed to a collector of OpenTelemetry: OTLP over HTTP, protobuf.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use prost::Message;

use crate::otlp;
use crate::serve::Shared;

/// Where a collector takes metrics, below its address.
const PATH: &str = "/v1/metrics";
/// How long a push may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A collector, and how pushing to it goes.
pub struct Collector {
    agent: ureq::Agent,
    url: String,
    is_failing: bool,
}

impl Collector {
    /// A collector at an address like `http://localhost:4318`; with a path after it, exactly there.
    ///
    /// # Errors
    /// When it is no such address.
    pub fn at(endpoint: &str) -> Result<Collector> {
        let Some(rest) = endpoint.strip_prefix("http://") else {
            bail!(
                "{endpoint} is no address of a collector: http://HOST:PORT is expected (for https, a collector of this machine can pass on)"
            );
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if host.is_empty() {
            bail!("{endpoint} names no host");
        }
        let url = if path.is_empty() { format!("http://{host}{PATH}") } else { endpoint.to_owned() };
        let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build();
        Ok(Collector { agent: config.into(), url, is_failing: false })
    }

    /// Pushes for ever. What fails is told once, until it works again; counts are cumulative, so that nothing is lost by that.
    pub fn run(mut self, shared: &Shared, interval: Duration) -> ! {
        loop {
            std::thread::sleep(interval);
            match (self.push(shared), self.is_failing) {
                (Err(error), false) => {
                    self.is_failing = true;
                    eprintln!("apex: cannot push to {}: {error:#}; trying again every {interval:?}", self.url);
                }
                (Ok(()), true) => {
                    self.is_failing = false;
                    eprintln!("apex: pushing to {} works again", self.url);
                }
                _ => {}
            }
        }
    }

    fn push(&self, shared: &Shared) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64;
        let message = otlp::metrics_request(&shared.gather(), now).encode_to_vec();
        // An answer other than 2xx is an error.
        self.agent.post(&self.url).header("Content-Type", "application/x-protobuf").send(&message)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed() {
        let url = |endpoint| Collector::at(endpoint).map(|collector| collector.url).map_err(|_| ());
        assert_eq!(url("http://localhost:4318"), Ok("http://localhost:4318/v1/metrics".to_owned()));
        assert_eq!(url("http://localhost:4318/"), Ok("http://localhost:4318/v1/metrics".to_owned()));
        assert_eq!(url("http://h/otlp/v1/metrics"), Ok("http://h/otlp/v1/metrics".to_owned()));
        for bad in ["localhost:4318", "https://h", "http://", "http:///x", ""] {
            assert_eq!(url(bad), Err(()), "{bad}");
        }
    }
}
