//! The screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Table};

use super::model::{KernelRow, Model, ProcessRow};
use crate::output::{bytes, time};

/// What keys do.
const KEYS: &str = "q quit  ↑↓ program  PgUp PgDn kernels  s sort  p pause";

/// Draws everything.
pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let processes = (model.processes.len() as u16).saturating_add(3).min(frame.area().height / 3).max(4);
    let facts = model.processes.get(model.selected).map_or(0, |process| process.facts.len().div_ceil(2) as u16 + 2);
    let parts = [
        Constraint::Length(1),
        Constraint::Length(processes),
        Constraint::Min(4),
        Constraint::Length(facts),
        Constraint::Length(1),
    ];
    let [title, top, middle, bottom, keys] = Layout::vertical(parts).areas(frame.area());
    let state = if model.is_paused { "  PAUSED" } else { "" };
    let problem = model.problems.first().map_or(String::new(), |problem| format!("  {problem}"));
    let head = format!("apex top: {} programs{state}{problem}", model.processes.len());
    frame.render_widget(Line::styled(head, Style::new().add_modifier(Modifier::BOLD)), title);
    draw_processes(model, frame, top);
    match model.processes.get(model.selected) {
        Some(process) => {
            draw_kernels(model, process, frame, middle);
            draw_facts(process, frame, bottom);
        }
        None => frame.render_widget(Paragraph::new("Programs are seen here that run with `apex run --live`."), middle),
    }
    frame.render_widget(Line::styled(KEYS, Style::new().add_modifier(Modifier::DIM)), keys);
}

fn draw_processes(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let header = ["PID", "PROGRAM", "STATE", "LAUNCHES", "/s", "GPU", "WAITS", "COPIES/s", "HELD"];
    let widths = [
        Constraint::Length(8),
        Constraint::Min(12),
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Length(8),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Length(11),
        Constraint::Length(11),
    ];
    // The selected one is always on the screen.
    let lines = usize::from(area.height.saturating_sub(3)).max(1);
    let first = (model.selected + 1).saturating_sub(lines);
    let rows = model.processes.iter().enumerate().skip(first).map(|(place, process)| {
        let style = if place == model.selected { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        Row::new(process_cells(process)).style(style)
    });
    frame.render_widget(Table::new(rows, widths).header(header_row(header)).block(Block::bordered()), area);
}

fn process_cells(process: &ProcessRow) -> [String; 9] {
    [
        process.pid.to_string(),
        process.program.clone(),
        process.state.to_owned(),
        count(process.launches as f64),
        count(process.launch_rate),
        process.busy.map_or("-".to_owned(), percent),
        percent(process.waiting),
        bytes(process.copy_rate as u64),
        bytes(process.held),
    ]
}

fn draw_kernels(model: &Model, process: &ProcessRow, frame: &mut Frame<'_>, area: Rect) {
    let is_device_time = process.kernels.first().is_some_and(|kernel| kernel.is_device_time);
    let time = if is_device_time { "GPU TIME" } else { "CALL TIME" };
    let header = ["LAUNCHES", "/s", time, "SHARE", "MEAN", "KERNEL"];
    let widths = [
        Constraint::Length(9),
        Constraint::Length(8),
        Constraint::Length(10),
        Constraint::Length(6),
        Constraint::Length(9),
        Constraint::Min(20),
    ];
    let rows = process.kernels.iter().skip(model.first_kernel).map(|kernel| Row::new(kernel_cells(kernel)));
    let title = format!(" kernels of {}, by {} ", process.pid, model.sort.name());
    frame
        .render_widget(Table::new(rows, widths).header(header_row(header)).block(Block::bordered().title(title)), area);
}

fn kernel_cells(kernel: &KernelRow) -> [String; 6] {
    [
        count(kernel.launches as f64),
        count(kernel.rate),
        time(kernel.time_ns),
        percent(kernel.share),
        time(kernel.time_ns / kernel.launches.max(1)),
        kernel.name.clone(),
    ]
}

fn draw_facts(process: &ProcessRow, frame: &mut Frame<'_>, area: Rect) {
    let block = Block::bordered();
    let halves: [Rect; 2] = Layout::horizontal([Constraint::Fill(1); 2]).areas(block.inner(area));
    frame.render_widget(block, area);
    let (left, right) = process.facts.split_at(process.facts.len().div_ceil(2));
    for (facts, area) in [left, right].into_iter().zip(halves) {
        let lines: Vec<Line<'_>> = facts.iter().map(|(name, value)| Line::from(format!("{name}: {value}"))).collect();
        frame.render_widget(Paragraph::new(lines), area);
    }
}

fn header_row<const N: usize>(names: [&str; N]) -> Row<'_> {
    Row::new(names).style(Style::new().add_modifier(Modifier::BOLD))
}

/// A number in six characters at most: `12.3k`.
pub fn count(value: f64) -> String {
    const UNITS: [&str; 6] = ["", "k", "M", "G", "T", "P"];
    let (mut value, mut unit) = (value, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if unit == 0 && value.fract() == 0.0 || value >= 99.95 { 0 } else { 1 };
    format!("{value:.digits$}{}", UNITS[unit])
}

/// A share of 1 in per cent.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 9.95 { format!("{percent:.1}%") } else { format!("{percent:.0}%") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::model::Sort;
    use expect_test::expect;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn kernel(name: &str, launches: u64, time_ns: u64) -> KernelRow {
        let share = time_ns as f64 / 4_000_000.0;
        KernelRow { name: name.into(), launches, rate: launches as f64 / 3.0, time_ns, is_device_time: true, share }
    }

    fn model() -> Model {
        let facts = [("device 0", "A card"), ("copies, host to device", "3, 1.0 MiB"), ("launches of graphs", "0")];
        let process = |pid: u32, state| ProcessRow {
            pid,
            program: "python3 train.py".into(),
            state,
            launches: 1_234_567,
            launch_rate: 998.7,
            busy: (pid == 12).then_some(0.5),
            waiting: 0.031,
            copy_rate: 1e6,
            held: 3 << 30,
            kernels: vec![kernel("first(float*)", 1_000_000, 3_000_000), kernel("second", 7, 1_000_000)],
            facts: facts.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            ..ProcessRow::default()
        };
        Model {
            processes: vec![process(12, "running"), process(345_678, "killed")],
            sort: Sort::Time,
            ..Model::default()
        }
    }

    fn drawn(model: &Model, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(model, frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned() + "\n";
        (0..height).map(line).collect()
    }

    #[test]
    fn programs_and_kernels_are_drawn() {
        expect![[r#"
            apex top: 2 programs
            ┌──────────────────────────────────────────────────────────────────────────────────────────────────┐
            │PID      PROGRAM                 STATE    LAUNCHES  /s       GPU    WAITS  COPIES/s    HELD       │
            │12       python3 train.py        running  1.2M      999      50%    3.1%   976.6 KiB   3.0 GiB    │
            │345678   python3 train.py        killed   1.2M      999      -      3.1%   976.6 KiB   3.0 GiB    │
            └──────────────────────────────────────────────────────────────────────────────────────────────────┘
            ┌ kernels of 12, by time ──────────────────────────────────────────────────────────────────────────┐
            │LAUNCHES  /s       GPU TIME   SHARE  MEAN      KERNEL                                             │
            │1.0M      333k     3.00 ms    75%    3 ns      first(float*)                                      │
            │7         2.3      1.00 ms    25%    143 µs    second                                             │
            │                                                                                                  │
            │                                                                                                  │
            │                                                                                                  │
            │                                                                                                  │
            └──────────────────────────────────────────────────────────────────────────────────────────────────┘
            ┌──────────────────────────────────────────────────────────────────────────────────────────────────┐
            │device 0: A card                                 launches of graphs: 0                            │
            │copies, host to device: 3, 1.0 MiB                                                                │
            └──────────────────────────────────────────────────────────────────────────────────────────────────┘
            q quit  ↑↓ program  PgUp PgDn kernels  s sort  p pause
        "#]]
        .assert_eq(&drawn(&model(), 100, 20));
    }

    #[test]
    fn no_program_and_no_room_are_drawn_too() {
        let text = drawn(&Model::default(), 60, 12);
        assert!(text.contains("apex run --live") && text.contains("0 programs"), "{text}");
        for (width, height) in [(1, 1), (5, 3), (20, 6), (300, 100)] {
            drawn(&model(), width, height);
        }
    }

    #[test]
    fn the_selected_program_is_on_the_screen() {
        let mut model = model();
        model.processes = (0..50).map(|pid| ProcessRow { pid: 1000 + pid, ..model.processes[0].clone() }).collect();
        model.selected = 40;
        let text = drawn(&model, 100, 24);
        assert!(text.contains("│1040 ") && text.contains("kernels of 1040"), "{text}");
        model.first_kernel = 1;
        let text = drawn(&model, 100, 24);
        assert!(!text.contains("first(float*)") && text.contains("second"), "{text}");
    }

    #[test]
    fn numbers_are_short() {
        let counts = [0.0, 7.0, 7.25, 999.0, 999.6, 1234.0, 99_949.0, 99_951.0, 1.5e6, 2e18].map(count);
        assert_eq!(counts, ["0", "7", "7.2", "999", "1.0k", "1.2k", "99.9k", "100k", "1.5M", "2000P"]);
        assert_eq!([0.0, 0.0314, 0.0996, 1.0].map(percent), ["0.0%", "3.1%", "10%", "100%"]);
    }
}
