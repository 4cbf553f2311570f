//! Rounds of AES made of lookups.
//!
//! A round takes four words, the columns of a state of 16 bytes. Each word that it makes is a sum, without carries, of four elements that a byte each of the
//! four words chooses of one table, which are rotated by as many bytes as rows tell, and of a word of the key; the last round takes one byte of each element.
//! Processors have an instruction for that. Whether the table is that of AES is known only when it is there: here it is told apart what code would mean if so, and
//! what stands between, as rounds follow each other.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use super::super::{Shape, Shapes, liveness_uses};
use super::Tables;
use super::bytes::Search;
use crate::{AddressSpace, Block, BlockId, Function, MemoryOrder, Op, Program, Type, Value};

mod sums;
#[cfg(test)]
mod tests;

use sums::{Sum, WORDS, sums_of};

/// Rounds that follow each other in a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AesRounds {
    /// Where.
    pub block: BlockId,
    /// The number of the table.
    pub table: usize,
    /// Whether the first byte of a column is the highest of its word, rather than the lowest.
    pub is_high_first: bool,
    /// The rounds: the words of each but the first are what the one before has made.
    pub rounds: Vec<AesRound>,
    /// Instructions by number, without a gap in all: those that are to come before, those that make the rounds, and those that are to come behind.
    pub before: Vec<usize>,
    /// See above.
    pub within: Vec<usize>,
    /// See above.
    pub behind: Vec<usize>,
    /// Words that rounds make and that are used elsewhere, too.
    pub wanted: Vec<Value>,
}

/// A round.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AesRound {
    /// What it takes, by column.
    pub words: [Value; WORDS],
    /// What it makes, by column.
    pub makes: [Value; WORDS],
    /// What is added to each column.
    pub others: [Vec<Value>; WORDS],
    /// Where that is in constant memory, if it is one word each, side by side: an address and a distance in bytes.
    pub key: Option<(Value, i64)>,
    /// Whether it is a last one, which does not mix the bytes of a column.
    pub is_last: bool,
}

impl AesRounds {
    /// The first and the last of the instructions.
    pub fn range(&self) -> (usize, usize) {
        // Each list is in order.
        let lists = || [&self.before, &self.within, &self.behind].into_iter();
        let (first, last) =
            (lists().filter_map(|list| list.first()).min(), lists().filter_map(|list| list.last()).max());
        (first.copied().unwrap_or(0), last.copied().unwrap_or(0))
    }

    /// The rounds of a function that looks things up in tables.
    pub(super) fn all(program: &Program, function: &Function, shapes: &Shapes, tables: &Tables) -> Vec<AesRounds> {
        let search = Search::new(function, shapes);
        let blocks = shapes.schedule.layout.order.iter();
        blocks.flat_map(|id| InBlock::new(program, function, *id, shapes, tables, &search).rounds()).collect()
    }
}

/// A word that may be one of a round.
struct Column {
    value: Value,
    table: usize,
    /// The words that its bytes are of, from the first row on.
    rows: [Value; WORDS],
    others: Vec<Value>,
    is_last: bool,
    loads: Vec<usize>,
}

/// A round by itself.
struct Found {
    round: AesRound,
    table: usize,
    is_high_first: bool,
    loads: Vec<usize>,
}

/// Instructions of the block that use values, by number, and what is used elsewhere.
#[derive(Default)]
struct Uses {
    here: HashMap<Value, Vec<usize>>,
    elsewhere: HashSet<Value>,
}

impl Uses {
    /// Whether only these instructions use a value.
    fn are_within(&self, value: Value, numbers: &HashSet<usize>) -> bool {
        let mut here = self.here.get(&value).into_iter().flatten();
        !self.elsewhere.contains(&value) && here.all(|number| numbers.contains(number))
    }
}

/// The search in a block.
struct InBlock<'a> {
    program: &'a Program,
    function: &'a Function,
    id: BlockId,
    block: &'a Block,
    shapes: &'a Shapes,
    /// Where values are made.
    made: HashMap<Value, usize>,
    sums: HashMap<Value, Sum>,
}

impl<'a> InBlock<'a> {
    fn new(
        program: &'a Program,
        function: &'a Function,
        id: BlockId,
        shapes: &'a Shapes,
        tables: &Tables,
        search: &Search<'_>,
    ) -> InBlock<'a> {
        let block = function.block(id);
        let numbered = block.instructions.iter().enumerate();
        let made = numbered.flat_map(|(number, it)| it.results.iter().map(move |result| (*result, number))).collect();
        let sums = sums_of(block, shapes, tables, search);
        InBlock { program, function, id, block, shapes, made, sums }
    }

    fn rounds(self) -> Vec<AesRounds> {
        let mut chains: Vec<Vec<Found>> = Vec::new();
        for mut found in self.single_rounds() {
            let before = chains.iter_mut().find(|chain| {
                let last = &chain[chain.len() - 1];
                let is_alike = (last.table, last.is_high_first) == (found.table, found.is_high_first);
                is_alike && found.round.turned_to(&last.round.makes)
            });
            match before {
                Some(chain) => chain.push(found),
                None => chains.push(vec![found]),
            }
        }
        if chains.is_empty() {
            return Vec::new();
        }
        let uses = self.uses();
        let mut all: Vec<AesRounds> = Vec::new();
        for chain in chains {
            let apart = |rounds: &AesRounds| all.iter().all(|other| rounds.range().0 > other.range().1);
            let rounds = self.region(chain, &uses).filter(apart);
            all.extend(rounds);
        }
        all
    }

    /// Sums that may be columns of rounds, in order: the largest of each.
    fn columns(&self) -> Vec<(Column, bool)> {
        let is_uniform = |value: &Value| self.shapes.shape(*value).is_uniform();
        let is_full = |value: &Value| {
            let sum = self.sums.get(value);
            sum.is_some_and(|sum| sum.terms.len() == WORDS && sum.others.iter().all(is_uniform))
        };
        let mut is_part = HashSet::new();
        for instruction in self.block.instructions.iter().filter(|it| it.results.first().is_some_and(is_full)) {
            instruction.op.for_each_operand(|operand| _ = is_part.insert(operand));
        }
        // The order of a table's bytes is that of whole rounds, as the last one is the same either way.
        let mut orders = HashMap::new();
        let values = self.block.instructions.iter().filter_map(|it| it.results.first());
        let full = values.filter(|value| is_full(value) && !is_part.contains(value)).filter_map(|value| {
            let sum = &self.sums[value];
            let (table, words) = (sum.terms[0].table, sum.words()?);
            let is_high_first = match sum.turn() {
                Some(0) => *orders.entry(table).or_insert(false),
                Some(3) => *orders.entry(table).or_insert(true),
                _ => *orders.get(&table).filter(|_| sum.is_last())?,
            };
            let mut rows = words;
            if is_high_first {
                rows.reverse();
            }
            let is_last = sum.turn().is_none();
            let turn = if is_high_first { 3 } else { 0 };
            let is_one = is_last || sum.turn() == Some(turn);
            let loads = sum.terms.iter().map(|term| term.load).collect();
            let column = Column { value: *value, table, rows, others: sum.others.clone(), is_last, loads };
            is_one.then_some((column, is_high_first))
        });
        full.collect()
    }

    /// Rounds, in order.
    fn single_rounds(&self) -> Vec<Found> {
        let mut open: Vec<Vec<Column>> = Vec::new();
        let mut rounds = Vec::new();
        for (column, is_high_first) in self.columns() {
            let is_varying = self.shapes.shape(column.value) == Shape::Varying;
            let are_different = column.rows.iter().collect::<HashSet<_>>().len() == WORDS;
            if !is_varying || !are_different {
                continue;
            }
            let place = open.iter().position(|columns| columns[0].goes_with(&column)).unwrap_or_else(|| {
                open.push(Vec::new());
                open.len() - 1
            });
            open[place].push(column);
            if open[place].len() < WORDS {
                continue;
            }
            let columns = open.swap_remove(place);
            let (table, loads) = (columns[0].table, columns.iter().flat_map(|column| column.loads.clone()).collect());
            if let Some(round) = AesRound::of(columns) {
                rounds.push(Found { round, table, is_high_first, loads });
            }
        }
        rounds
    }

    /// Where what is added to four columns lies, if it is side by side in a variable.
    fn key_of(&self, others: &[Vec<Value>; WORDS]) -> Option<(Value, i64)> {
        let loads = others.iter().map(|others| {
            let [other] = others[..] else { return None };
            match &self.block.instructions[*self.made.get(&other)?].op {
                Op::Load {
                    space: AddressSpace::Const, ty: Type::I32, count: 1, address, offset, guard: None, ..
                } => Some((*address, *offset)),
                _ => None,
            }
        });
        let loads = loads.collect::<Option<Vec<_>>>()?;
        let (address, first) = loads[0];
        let are_together = (0..).zip(&loads).all(|(column, load)| *load == (address, first.wrapping_add(4 * column)));
        let place = self.shapes.fact(address).place.filter(|place| place.range.0 == place.range.1)?;
        let begin = u64::try_from(place.range.0.checked_add(first)?).ok()?;
        let is_there = begin.checked_add(4 * WORDS as u64)? <= self.program.symbols[place.symbol.0 as usize].size;
        (are_together && is_there).then_some((address, first))
    }

    /// What is to be done before, within and behind rounds, if that can be told apart.
    fn region(&self, chain: Vec<Found>, uses: &Uses) -> Option<AesRounds> {
        let (table, is_high_first) = (chain[0].table, chain[0].is_high_first);
        let loads: HashSet<usize> = chain.iter().flat_map(|found| found.loads.iter().copied()).collect();
        // Only now is the order of columns known.
        let with_key = |round: AesRound| AesRound { key: self.key_of(&round.others), ..round };
        let rounds: Vec<AesRound> = chain.into_iter().map(|found| with_key(found.round)).collect();
        let makes: Vec<Value> = rounds.iter().flat_map(|round| round.makes).collect();
        let first = *loads.iter().min()?;
        let last = makes.iter().map(|value| self.made[value]).max()?;
        let (follows, needed) = self.involved(first..=last, &loads, &makes);
        let (mut before, mut within, mut behind) = (Vec::new(), Vec::new(), Vec::new());
        for (number, instruction) in self.block.instructions.iter().enumerate().take(last + 1).skip(first) {
            let is_pure = instruction.op.is_pure();
            let is_load = matches!(instruction.op, Op::Load { order: MemoryOrder::Weak, .. });
            let (list, may_move) = match (follows.contains(&number), needed.contains(&number)) {
                (false, _) => (&mut before, is_pure || is_load),
                (true, true) => (&mut within, is_pure || loads.contains(&number)),
                (true, false) => (&mut behind, is_pure),
            };
            if !may_move {
                return None;
            }
            list.push(number);
        }
        // What is added, and where that is, has to be known before.
        let mut added = rounds.iter().flat_map(AesRound::added);
        let is_before = added.all(|value| self.made.get(&value).is_none_or(|at| !follows.contains(at)));
        self.take_along(&rounds, uses, &mut before, &mut within);
        let inside: HashSet<usize> = within.iter().copied().collect();
        let results = within.iter().flat_map(|number| &self.block.instructions[*number].results);
        let wanted: Vec<Value> = results.filter(|result| !uses.are_within(**result, &inside)).copied().collect();
        let is_all = is_before && wanted.iter().all(|value| makes.contains(value));
        let block = self.id;
        is_all.then_some(AesRounds { block, table, is_high_first, rounds, before, within, behind, wanted })
    }

    /// Of some instructions, those that have to do with what is looked up, and those that what is made needs.
    fn involved(
        &self,
        range: RangeInclusive<usize>,
        loads: &HashSet<usize>,
        makes: &[Value],
    ) -> (HashSet<usize>, HashSet<usize>) {
        let operands_made_at = |number: usize| {
            let mut all = Vec::new();
            let op = &self.block.instructions[number].op;
            op.for_each_operand(|operand| all.extend(self.made.get(&operand).copied()));
            all
        };
        let mut follows = HashSet::new();
        for number in range.clone() {
            if loads.contains(&number) || operands_made_at(number).iter().any(|at| follows.contains(at)) {
                follows.insert(number);
            }
        }
        let mut needed: HashSet<usize> = makes.iter().map(|value| self.made[value]).collect();
        for number in range.rev().filter(|number| follows.contains(number)) {
            if needed.contains(&number) {
                needed.extend(operands_made_at(number));
            }
        }
        (follows, needed)
    }

    /// Moves what only lookups need from what comes before to what is within: computations, and loads of keys that are not needed one by one.
    fn take_along(&self, rounds: &[AesRound], uses: &Uses, before: &mut Vec<usize>, within: &mut Vec<usize>) {
        let stays: HashSet<Value> = rounds.iter().flat_map(AesRound::added).chain(rounds[0].words).collect();
        let keyed = rounds.iter().filter(|round| round.key.is_some()).flat_map(|round| &round.others);
        let keys: HashSet<Value> = keyed.flatten().copied().collect();
        let mut inside: HashSet<usize> = within.iter().copied().collect();
        for number in before.iter().rev() {
            let instruction = &self.block.instructions[*number];
            let goes = |result: &Value| {
                (instruction.op.is_pure() || keys.contains(result))
                    && !stays.contains(result)
                    && uses.are_within(*result, &inside)
            };
            if instruction.results.iter().all(goes) {
                inside.insert(*number);
            }
        }
        before.retain(|number| !inside.contains(number));
        *within = inside.into_iter().collect();
        within.sort_unstable();
    }

    /// Who uses what.
    fn uses(&self) -> Uses {
        let mut uses = Uses::default();
        for block in &self.function.blocks {
            let is_here = std::ptr::eq(block, self.block);
            for (number, instruction) in block.instructions.iter().enumerate() {
                instruction.op.for_each_operand(|operand| match is_here {
                    true => uses.here.entry(operand).or_default().push(number),
                    false => _ = uses.elsewhere.insert(operand),
                });
            }
            uses.elsewhere.extend(block.phis.iter().flat_map(|phi| phi.incoming.iter().map(|(_, value)| *value)));
            liveness_uses(&block.terminator, |value| _ = uses.elsewhere.insert(value));
        }
        uses
    }
}

impl Column {
    /// Whether it may be of the same round.
    fn goes_with(&self, other: &Column) -> bool {
        let is_same = (self.table, self.is_last) == (other.table, other.is_last);
        is_same && other.rows.iter().all(|word| self.rows.contains(word))
    }
}

impl AesRound {
    /// The round that four columns make: in the rows below, columns are shifted by one each.
    fn of(columns: Vec<Column>) -> Option<AesRound> {
        let (words, is_last) = (columns[0].rows, columns[0].is_last);
        let mut found: [Option<Column>; WORDS] = Default::default();
        for column in columns {
            let place = words.iter().position(|word| *word == column.rows[0])?;
            let is_shifted = (0..WORDS).all(|row| column.rows[row] == words[(place + row) % WORDS]);
            let is_first = found[place].is_none();
            (is_shifted && is_first).then_some(())?;
            found[place] = Some(column);
        }
        let found = found.map(|column| column.expect("four columns at four places"));
        let makes = std::array::from_fn(|place| found[place].value);
        Some(AesRound { words, makes, others: found.map(|column| column.others), key: None, is_last })
    }

    /// The values that tell what is added.
    fn added(&self) -> Vec<Value> {
        match self.key {
            Some((address, _)) => vec![address],
            None => self.others.iter().flatten().copied().collect(),
        }
    }

    /// Orders columns such that the words are these, if they are, beginning anywhere.
    fn turned_to(&mut self, words: &[Value; WORDS]) -> bool {
        let Some(by) = self.words.iter().position(|word| *word == words[0]) else { return false };
        if !(0..WORDS).all(|place| self.words[(place + by) % WORDS] == words[place]) {
            return false;
        }
        self.words.rotate_left(by);
        self.makes.rotate_left(by);
        self.others.rotate_left(by);
        true
    }
}
