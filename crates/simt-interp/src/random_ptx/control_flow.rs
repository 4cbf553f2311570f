//! Random control flow: nested branches, loops that lanes leave one by one, jump tables, regions with two entries, predicated
//! instructions, calls.

use std::fmt::Write;

use super::text::{Class, Kernel, Register};
use crate::random::{Check, Rng};

/// Registers that the control flow changes.
const VARIABLES: usize = 5;

/// Deepest nesting.
const DEPTH: u32 = 4;

/// Statements that nest, in all.
const BUDGET: u32 = 40;

/// Device functions: two plain ones and one that recurses.
const FUNCTIONS: &str = "\
.func (.param .b32 result) twist(.param .b32 first, .param .b32 second)
{
    .reg .pred %p<2>;
    .reg .b32 %r<4>;
    ld.param.u32 %r1, [first];
    ld.param.u32 %r2, [second];
    setp.lt.s32 %p1, %r1, %r2;
    @%p1 bra TWIST_LESS;
    xor.b32 %r3, %r1, %r2;
    bra TWIST_END;
TWIST_LESS:
    mad.lo.s32 %r3, %r1, 7, %r2;
TWIST_END:
    st.param.b32 [result], %r3;
    ret;
}

.func (.param .b32 result) steps(.param .b32 first, .param .b32 second)
{
    .reg .pred %p<2>;
    .reg .b32 %r<4>;
    ld.param.u32 %r1, [first];
    ld.param.u32 %r2, [second];
    and.b32 %r2, %r2, 15;
    mov.u32 %r3, 1;
STEPS_AGAIN:
    mad.lo.u32 %r3, %r3, 5, %r1;
    sub.u32 %r2, %r2, 1;
    setp.gt.s32 %p1, %r2, 0;
    @%p1 bra STEPS_AGAIN;
    st.param.b32 [result], %r3;
    ret;
}

.func (.param .b32 result) recurse(.param .b32 first, .param .b32 second)
{
    .reg .pred %p<2>;
    .reg .b32 %r<6>;
    ld.param.u32 %r1, [first];
    ld.param.u32 %r2, [second];
    and.b32 %r3, %r2, 7;
    setp.eq.u32 %p1, %r3, 0;
    @%p1 bra RECURSE_END;
    mad.lo.u32 %r4, %r1, 5, %r2;
    sub.u32 %r3, %r3, 1;
    {
        .param .b32 argument0;
        .param .b32 argument1;
        .param .b32 returned;
        st.param.b32 [argument0], %r4;
        st.param.b32 [argument1], %r3;
        call (returned), recurse, (argument0, argument1);
        ld.param.b32 %r5, [returned];
    }
    xor.b32 %r1, %r5, %r2;
RECURSE_END:
    st.param.b32 [result], %r1;
    ret;
}
";

/// What `recurse` needs before its own definition, and calls through pointers.
const DECLARATIONS: &str = "\
.func (.param .b32 result) recurse(.param .b32 first, .param .b32 second);
";

pub(super) fn body(k: &mut Kernel) {
    let mut generator = Generator::new(k);
    for _ in 0..6 {
        generator.statements(0);
    }
    generator.finish();
}

/// Makes statements that change a handful of variables.
pub(super) struct Generator<'g, 'r> {
    pub k: &'g mut Kernel<'r>,
    variables: [Register; VARIABLES],
    budget: u32,
    /// Labels behind the loops around the place.
    exits: Vec<String>,
    tables: u32,
}

impl<'g, 'r> Generator<'g, 'r> {
    /// With its variables set, and functions to call.
    pub fn new(k: &'g mut Kernel<'r>) -> Self {
        k.globals.push_str(DECLARATIONS);
        k.globals.push_str(FUNCTIONS);
        let variables = [(); VARIABLES].map(|()| {
            let (variable, first) = (k.register(Class::B32), k.operand(Class::B32));
            k.line(format_args!("mov.b32 {variable}, {first}"));
            variable
        });
        Self { k, variables, budget: BUDGET, exits: Vec::new(), tables: 0 }
    }

    /// Makes the variables outputs.
    pub fn finish(self) {
        for variable in self.variables {
            self.k.output(variable, Check::Exact);
        }
    }

    pub fn rng(&mut self) -> &mut Rng {
        self.k.rng
    }

    /// A few statements, with no way out but the end.
    pub fn statements(&mut self, depth: u32) {
        for _ in 0..1 + self.rng().below(3) {
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: u32) {
        if self.budget == 0 || depth >= DEPTH {
            return self.assignment();
        }
        self.budget -= 1;
        match self.rng().below(12) {
            0..3 => self.assignment(),
            3..5 => self.branch(depth),
            5..7 => self.repeat(depth),
            7 => self.table(depth),
            8 => self.two_entries(),
            9 => self.call(),
            10 => self.predicated(),
            _ => self.leave_loop(),
        }
    }

    /// One of the variables.
    pub fn variable(&mut self) -> Register {
        let index = self.rng().below(VARIABLES);
        self.variables[index]
    }

    /// One variable gets a new value.
    pub fn assignment(&mut self) {
        let text = self.assignment_text();
        self.k.line(text);
    }

    fn assignment_text(&mut self) -> String {
        let (target, a, b) = (self.variable(), self.variable(), self.variable());
        let constant = self.rng().bits() as i32 >> 20;
        let op = self.rng().pick(&["add.s32", "sub.s32", "mul.lo.s32", "xor.b32", "shr.u32", "min.s32"]);
        if self.rng().flag() { format!("{op} {target}, {a}, {b}") } else { format!("{op} {target}, {a}, {constant}") }
    }

    /// A condition on the variables; some are the same for many lanes.
    pub fn condition(&mut self) -> Register {
        let (predicate, a, b) = (self.k.register(Class::Predicate), self.variable(), self.variable());
        if self.rng().flag() {
            let masked = self.k.register(Class::B32);
            let bit = 1 << self.rng().below(5);
            self.k.line(format_args!("and.b32 {masked}, {a}, {bit}"));
            self.k.line(format_args!("setp.eq.u32 {predicate}, {masked}, 0"));
        } else {
            let comparison = self.rng().pick(&["lt.s32", "ge.u32", "ne.s32"]);
            self.k.line(format_args!("setp.{comparison} {predicate}, {a}, {b}"));
        }
        predicate
    }

    fn predicated(&mut self) {
        let predicate = self.condition();
        let not = self.rng().pick(&["", "!"]);
        let text = self.assignment_text();
        self.k.line(format_args!("@{not}{predicate} {text}"));
    }

    fn branch(&mut self, depth: u32) {
        let predicate = self.condition();
        let (otherwise, end) = (self.k.label(), self.k.label());
        let with_else = self.rng().flag();
        self.k.line(format_args!("@{predicate} bra {otherwise}"));
        self.statements(depth + 1);
        if with_else {
            self.k.line(format_args!("bra {end}"));
        }
        self.k.place(&otherwise);
        if with_else {
            self.statements(depth + 1);
            self.k.place(&end);
        }
    }

    /// A loop with a number of turns that differs from lane to lane, and perhaps other ways out.
    fn repeat(&mut self, depth: u32) {
        let (turns, source, again) = (self.k.register(Class::B32), self.variable(), self.k.register(Class::Predicate));
        let (head, exit) = (self.k.label(), self.k.label());
        self.k.line(format_args!("rem.u32 {turns}, {source}, 7"));
        self.k.place(&head);
        self.exits.push(exit.clone());
        self.statements(depth + 1);
        self.exits.pop();
        self.k.line(format_args!("sub.s32 {turns}, {turns}, 1"));
        self.k.line(format_args!("setp.ge.s32 {again}, {turns}, 0"));
        self.k.line(format_args!("@{again} bra {head}"));
        self.k.place(&exit);
    }

    /// A way out of one of the loops around the place.
    fn leave_loop(&mut self) {
        if self.exits.is_empty() {
            return self.assignment();
        }
        let predicate = self.condition();
        let count = self.exits.len();
        let index = self.rng().below(count);
        self.k.line(format_args!("@{predicate} bra {}", self.exits[index]));
    }

    fn table(&mut self, depth: u32) {
        let (index, source) = (self.k.register(Class::B32), self.variable());
        let arms = [(); 3].map(|()| self.k.label());
        let end = self.k.label();
        self.tables += 1;
        let table = format!("table{}", self.tables);
        self.k.line(format_args!("and.b32 {index}, {source}, 3"));
        self.k.block(&format!("{table}: .branchtargets {}, {}, {}, {};", arms[0], arms[1], arms[0], arms[2]));
        self.k.line(format_args!("brx.idx {index}, {table}"));
        for arm in arms {
            self.k.place(&arm);
            self.statements(depth + 1);
            self.k.line(format_args!("bra {end}"));
        }
        self.k.place(&end);
    }

    /// A region that lanes enter at two places and go round in.
    fn two_entries(&mut self) {
        let (turns, source, done) = (self.k.register(Class::B32), self.variable(), self.k.register(Class::Predicate));
        let predicate = self.condition();
        let (left, right, exit) = (self.k.label(), self.k.label(), self.k.label());
        self.k.line(format_args!("and.b32 {turns}, {source}, 7"));
        self.k.line(format_args!("@{predicate} bra {right}"));
        for (here, last) in [(&left, false), (&right, true)] {
            self.k.place(here);
            self.assignment();
            self.k.line(format_args!("sub.s32 {turns}, {turns}, 1"));
            self.k.line(format_args!("setp.lt.s32 {done}, {turns}, 0"));
            self.k.line(format_args!("@{done} bra {exit}"));
            if last {
                self.k.line(format_args!("bra {left}"));
            }
        }
        self.k.place(&exit);
    }

    /// A call, direct or through a pointer that differs from lane to lane.
    fn call(&mut self) {
        let (target, first, second) = (self.variable(), self.variable(), self.variable());
        let functions = ["twist", "steps", "recurse"];
        let direct = self.rng().flag();
        let pointer = self.k.register(Class::B64);
        if !direct {
            let predicate = self.condition();
            let [one, other] = [(); 2].map(|()| self.rng().pick(&functions));
            let second_pointer = self.k.register(Class::B64);
            self.k.line(format_args!("mov.u64 {pointer}, {one}"));
            self.k.line(format_args!("mov.u64 {second_pointer}, {other}"));
            self.k.line(format_args!("selp.b64 {pointer}, {pointer}, {second_pointer}, {predicate}"));
        }
        let function = self.rng().pick(&functions);
        let callee = if direct { function.to_string() } else { pointer.to_string() };
        self.tables += 1;
        let prototype = format!("prototype{}", self.tables);
        let mut text = String::from("{\n");
        let _ = writeln!(text, "        .param .b32 argument0;");
        let _ = writeln!(text, "        .param .b32 argument1;");
        let _ = writeln!(text, "        .param .b32 returned;");
        let _ = writeln!(text, "        st.param.b32 [argument0], {first};");
        let _ = writeln!(text, "        st.param.b32 [argument1], {second};");
        let suffix = if direct {
            String::new()
        } else {
            let _ =
                writeln!(text, "        {prototype}: .callprototype (.param .b32 _) _ (.param .b32 _, .param .b32 _);");
            format!(", {prototype}")
        };
        let _ = writeln!(text, "        call (returned), {callee}, (argument0, argument1){suffix};");
        let _ = writeln!(text, "        ld.param.b32 {target}, [returned];");
        text.push_str("    }");
        self.k.block(&text);
    }
}
