//! Programs that publish, looked at from outside: with `apex top`, a real Prometheus, and a collector of OpenTelemetry.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything that is waited for may take, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(120);

fn apex() -> Command {
    let folder = std::env::var_os("APEX_BIN_DIR").expect("cargo xtask test says where apex is");
    Command::new(PathBuf::from(folder).join("apex"))
}

fn python() -> PathBuf {
    PathBuf::from(std::env::var_os("APEX_VENV").expect("cargo xtask test says where Python is")).join("bin/python3")
}

fn prometheus(program: &str) -> Command {
    let folder = std::env::var_os("APEX_PROMETHEUS").expect("cargo xtask test says where Prometheus is");
    Command::new(PathBuf::from(folder).join(program))
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("live").join(name)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    output
}

/// Asks until there is an answer.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `program.py`, which publishes in a folder.
struct Program {
    child: Running,
    input: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Program {
    fn start(folder: &Path) -> Program {
        let mut command = apex();
        command.args(["run", "--live"]).arg(python()).arg(script("program.py"));
        command.env("APEX_LIVE", folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Program { child: Running(child), input, answers: BufReader::new(output) }
    }

    /// Has it do something, and waits until that is done.
    fn tell(&mut self, command: &str) {
        writeln!(self.input, "{command}").unwrap();
        if command != "exit" {
            let mut answer = String::new();
            self.answers.read_line(&mut answer).unwrap();
            assert_eq!(answer, "done\n", "{command}");
        }
    }

    fn pid(&self) -> u32 {
        self.child.0.id()
    }

    fn exit(mut self) {
        self.tell("exit");
        assert!(self.child.0.wait().unwrap().success());
    }
}

/// What `apex top --json` says.
fn top(folder: &Path) -> Value {
    let output = succeeds(apex().args(["top", "--json", "--folder"]).arg(folder));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What it says of a process, if it knows it.
fn process(top: &Value, pid: u32) -> Option<&Value> {
    top["processes"].as_array().unwrap().iter().find(|process| process["process"]["pid"] == pid)
}

/// Launches of a kernel of a process.
fn launches(process: &Value, kernel: &str) -> u64 {
    let kernels = process["kernels"].as_array().unwrap();
    kernels.iter().find(|row| row["demangled"] == kernel).map_or(0, |row| row["launches"].as_u64().unwrap())
}

/// Waits until a process has launched `first` so often, no less and no more.
fn until_launched(folder: &Path, pid: u32, count: u64) -> Value {
    until("launches", || {
        let top = top(folder);
        let process = process(&top, pid)?;
        let launched = launches(process, "first(float*)");
        assert!(launched <= count, "{launched} launches, of {count}");
        (launched == count).then(|| process.clone())
    })
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn top_shows_several_programs() {
    let folder = tempfile::tempdir().unwrap();
    let (mut first, mut second) = (Program::start(folder.path()), Program::start(folder.path()));
    assert_eq!(top(folder.path())["processes"], serde_json::json!([]), "nothing before the first call");
    first.tell("launch 300");
    first.tell("allocate 1048576");
    first.tell("refused");
    second.tell("launch 7");
    until_launched(folder.path(), second.pid(), 7);
    let process = until("the refused call", || {
        let process = until_launched(folder.path(), first.pid(), 300);
        (process["failures"] != serde_json::json!([])).then_some(process)
    });
    assert_eq!(process["state"], "running");
    assert_eq!(process["memory"][0]["kind"], "device");
    assert_eq!(process["memory"][0]["held_bytes"], 1 << 20);
    let copy = &process["copies"][0];
    assert_eq!((&copy["kind"], &copy["bytes"], &copy["calls"]), (&"host to device".into(), &4096.into(), &1.into()));
    let failure = &process["failures"][0];
    assert_eq!((&failure["call"], &failure["result"], &failure["calls"]), (&"free".into(), &1.into(), &1.into()));
    // The software GPU tells times.
    assert_eq!(process["kernels"][0]["executions"], 300);
    assert!(process["devices"][0]["busy_ns"].as_u64().unwrap() > 0);
    assert_eq!(process["totals"]["dropped_launches"], 0);

    // Not on a terminal: text.
    let output = succeeds(apex().arg("top").arg("--folder").arg(folder.path()));
    let output = text(&output.stdout);
    let head = format!("python3 program.py (process {}, running): 300 launches, 1.0 MiB of devices held", first.pid());
    assert!(output.contains(&head) && output.contains("first(float*)"), "{output}");
    first.exit();
    second.exit();
    assert_eq!(files(folder.path()), 0, "programs that exit take what they published with them");
}

#[test]
fn what_a_killed_program_leaves_is_removed_by_who_looks() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path());
    program.tell("launch 10");
    until_launched(folder.path(), program.pid(), 10);
    program.child.0.kill().unwrap();
    // Nobody has asked yet how it ended.
    until("the end", || {
        top(folder.path());
        (files(folder.path()) == 0).then_some(())
    });
    program.child.0.wait().unwrap();

    // The next program that publishes removes it as well.
    let mut program = Program::start(folder.path());
    program.tell("launch 10");
    program.child.0.kill().unwrap();
    program.child.0.wait().unwrap();
    assert_eq!(files(folder.path()), 1);
    let mut next = Program::start(folder.path());
    next.tell("launch 10");
    until("the other's removal", || (files(folder.path()) == 1).then_some(()));
    until_launched(folder.path(), next.pid(), 10);
    next.exit();
}

#[test]
fn forks_and_other_programs_of_a_process_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path());
    program.tell("launch 20");
    program.tell("fork");
    program.tell("launch 5");
    // The child's end has not taken the parent's away.
    until_launched(folder.path(), program.pid(), 25);
    program.tell("exec");
    program.tell("launch 3");
    let process = until("the program after exec", || {
        let top = top(folder.path());
        let process = process(&top, program.pid())?;
        (launches(process, "first(float*)") == 3).then(|| process.clone())
    });
    assert_eq!(process["state"], "running");
    assert_eq!(files(folder.path()), 1);
    program.exit();
    assert_eq!(files(folder.path()), 0);
}

#[test]
fn a_recording_and_what_is_published_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let mut command = apex();
    command.args(["run", "--live", "--record"]).arg(&path).arg(python()).arg(script("program.py"));
    command.env("APEX_LIVE", folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut program = Program { child: Running(child), input, answers: BufReader::new(output) };
    program.tell("launch 2000");
    let process = until_launched(folder.path(), program.pid(), 2000);
    program.exit();
    let output = succeeds(apex().args(["report", "--json"]).arg(&path));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["launches"], launches(&process, "first(float*)"));
}

#[test]
fn a_folder_that_is_not_there_is_told_and_the_program_runs() {
    let mut command = apex();
    command.args(["run", "--live"]).arg(python()).arg(script("program.py")).env("APEX_LIVE", "/no/such/folder");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"launch 5\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stderr).matches("apex: nothing is published: /no/such/folder").count(), 1, "{output:?}");
    let output = apex().args(["top", "--folder", "/no/such/folder"]).output().unwrap();
    assert!(!output.status.success() && text(&output.stderr).contains("cannot look for programs"), "{output:?}");
}

/// `apex serve`, and where it says that metrics are.
fn serve(folder: &Path) -> (Running, String) {
    let mut command = apex();
    command.args(["serve", "--metrics", "127.0.0.1:0", "--folder"]).arg(folder).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect(&line).to_owned();
    (Running(child), address)
}

/// What a server answers to a GET: head and body.
fn get(address: &str, path: &str, accept: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let accept = if accept.is_empty() { String::new() } else { format!("Accept: {accept}\r\n") };
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n{accept}\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split_once("\r\n\r\n").map(|(head, body)| (head.to_owned(), body.to_owned()))
}

/// A Prometheus that scrapes an address ten times a second.
fn start_prometheus(folder: &Path, target: &str) -> (Running, String) {
    let config = format!(
        "global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}\n\
         scrape_configs: [{{job_name: apex, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    std::fs::write(folder.join("prometheus.yml"), config).unwrap();
    // A port that is free now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = prometheus("prometheus");
    command.arg(format!("--config.file={}", folder.join("prometheus.yml").display()));
    command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
    command.arg(format!("--web.listen-address={address}"));
    let child = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    until("Prometheus", || get(&address, "/-/ready", "").filter(|(head, _)| head.contains(" 200 ")));
    (child, address)
}

/// The samples that Prometheus has for a query: labels and value.
fn query(address: &str, query: &str) -> Vec<(Value, f64)> {
    let escaped: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let Some((_, body)) = get(address, &format!("/api/v1/query?query={escaped}"), "") else { return Vec::new() };
    let answer: Value = serde_json::from_str(&body).expect(&body);
    assert_eq!(answer["status"], "success", "{answer}");
    let samples = answer["data"]["result"].as_array().unwrap().iter();
    samples.map(|sample| (sample["metric"].clone(), sample["value"][1].as_str().unwrap().parse().unwrap())).collect()
}

/// Waits until Prometheus has this value for a query that asks for one sample.
fn until_value(address: &str, of: &str, value: f64) {
    let mut last = query(address, of);
    let start = Instant::now();
    while last.len() != 1 || last[0].1 != value {
        assert!(start.elapsed() < PATIENCE, "{of}: {last:?} and not {value}");
        std::thread::sleep(Duration::from_millis(50));
        last = query(address, of);
    }
}

#[test]
fn prometheus_has_every_launch() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live");
    std::fs::create_dir(&live).unwrap();
    let (_server, target) = serve(&live);
    let (_prometheus, address) = start_prometheus(folder.path(), &target);
    let mut programs = [Program::start(&live), Program::start(&live)];
    for (program, count) in programs.iter_mut().zip([1234, 567]) {
        program.tell(&format!("launch {count}"));
        program.tell(&format!("second {}", count + 1));
        program.tell("allocate 65536");
        program.tell("refused");
    }
    for (program, count) in programs.iter().zip([1234.0, 567.0]) {
        let of = |metric: &str, labels: &str| format!("{metric}{{pid=\"{}\",{labels}}}", program.pid());
        until_value(&address, &of("apex_kernel_launches_total", r#"kernel="first(float*)",device="0""#), count);
        until_value(&address, &of("apex_kernel_launches_total", r#"kernel="second""#), count + 1.0);
        until_value(&address, &of("apex_kernel_launches_total", r#"kernel="other""#), 0.0);
        until_value(&address, &of("apex_kernel_executions_total", r#"kernel="second""#), count + 1.0);
        until_value(&address, &of("apex_copied_bytes_total", r#"direction="host_to_device""#), 4096.0);
        until_value(&address, &of("apex_memory_held_bytes", r#"memory="device""#), 65536.0);
        until_value(&address, &of("apex_failed_calls_total", r#"call="free",result="CUDA_ERROR_INVALID_VALUE""#), 1.0);
        until_value(&address, &of("apex_process_running", r#"program="python3 program.py""#), 1.0);
    }
    until_value(&address, "apex_processes", 2.0);
    until_value(&address, "sum(apex_kernel_launches_total)", 2.0 * (1234.0 + 567.0) + 2.0);

    // Prometheus took all of it for what it is.
    let (_, metadata) = get(&address, "/api/v1/metadata?metric=apex_kernel_launches", "").unwrap();
    assert!(metadata.contains(r#""type":"counter""#), "{metadata}");
    assert_eq!(query(&address, "up").len(), 1);

    // What one did last before its end is there after it.
    let [mut first, second] = programs;
    let pid = first.pid();
    first.tell("launch 66");
    first.exit();
    until_value(&address, &format!("apex_kernel_launches_total{{pid=\"{pid}\",kernel=\"first(float*)\"}}"), 1300.0);
    until_value(&address, &format!("apex_process_running{{pid=\"{pid}\"}}"), 0.0);
    until_value(&address, "apex_processes", 1.0);
    second.exit();
}

#[test]
fn promtool_finds_nothing_to_say() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, address) = serve(folder.path());
    let mut program = Program::start(folder.path());
    program.tell("launch 10");
    program.tell("allocate 65536");
    program.tell("refused");
    until_launched(folder.path(), program.pid(), 10);
    let (head, body) = until("metrics", || {
        get(&address, "/metrics", "text/plain").filter(|(_, body)| body.contains("apex_failed_calls_total{"))
    });
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let mut check = prometheus("promtool");
    check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut check = check.spawn().unwrap();
    check.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty() && output.stdout.is_empty(), "{output:?}");
    let (head, body) = get(&address, "/metrics", "application/openmetrics-text; version=1.0.0").unwrap();
    assert!(head.contains("application/openmetrics-text; version=1.0.0") && body.ends_with("# EOF\n"), "{head}");
    assert!(get(&address, "/nothing", "").unwrap().0.contains(" 404 "));
    program.exit();
}

#[test]
fn a_collector_of_opentelemetry_understands_what_is_pushed() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path());
    program.tell("launch 40");
    let mut collector = Command::new(python());
    collector.arg(script("collect.py")).arg(program.pid().to_string()).args(["first(float*)", "40"]);
    let mut collector = Running(collector.stdout(Stdio::piped()).spawn().unwrap());
    let mut output = BufReader::new(collector.0.stdout.take().unwrap());
    let mut address = String::new();
    output.read_line(&mut address).unwrap();
    let mut serve = apex();
    serve.args(["serve", "--interval", "1", "--otlp", address.trim(), "--folder"]).arg(folder.path());
    let _serve = Running(serve.spawn().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(collector.0.wait().unwrap().success(), "{line}");
    let found: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(found["resource"]["service.name"], "python3 program.py");
    let metrics = found["metrics"].as_array().unwrap();
    let time = metrics.iter().find(|metric| metric["name"] == "apex.kernel_launch").unwrap();
    assert_eq!((&time["unit"], &time["kind"]), (&"s".into(), &"sum".into()));
    assert!(time["value"].as_f64().unwrap() > 0.0);
    program.exit();
}

#[test]
fn a_collector_that_is_not_there_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens there any more.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut serve = apex();
    serve.args(["serve", "--interval", "1", "--otlp", &format!("http://{address}"), "--folder"]).arg(folder.path());
    let mut serve = Running(serve.stderr(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(serve.0.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("apex: cannot push to http://") && line.contains("trying again every 1s"), "{line}");
    assert!(serve.0.try_wait().unwrap().is_none(), "it goes on");
    let output = apex().args(["serve", "--otlp", "localhost:4318"]).output().unwrap();
    assert!(!output.status.success() && text(&output.stderr).contains("no address of a collector"), "{output:?}");
}
