//! Lanes that change place: shuffles, extraction, insertion, and the parts of structures.

use iced_x86::{Code, Instruction, MemoryOperand, Register};

use super::Unsupported;
use super::assembler::Place;
use super::function::Lowering;
use super::mask::{Run, runs};
use super::source::{Plain, Ty, Value};
use super::vector::{Z, part};

/// Runs from which on lanes are gathered instead of copied run by run.
const RUNS_MAX: usize = 6;

/// Bytes that registers move at a time, the most first.
const MOVES: [u32; 7] = [64, 32, 16, 8, 4, 2, 1];

impl<'a> Lowering<'a, '_> {
    /// Copies exactly so many bytes, which must not overlap unless they move down.
    pub fn copy_bytes(&mut self, to: Place, from: Place, bytes: u32) {
        let mut done = 0;
        while done < bytes {
            let size = MOVES.into_iter().find(|size| *size <= bytes - done).unwrap_or(1);
            self.move_bytes(to.plus(done).operand(), from.plus(done).operand(), size);
            done += size;
        }
    }

    /// Moves what one register holds.
    pub fn move_bytes(&mut self, to: MemoryOperand, from: MemoryOperand, size: u32) {
        use Code::*;
        let (load, store, register) = match size {
            64 => (EVEX_Vmovdqu64_zmm_k1z_zmmm512, EVEX_Vmovdqu64_zmmm512_k1z_zmm, Z[0]),
            32 => (EVEX_Vmovdqu64_ymm_k1z_ymmm256, EVEX_Vmovdqu64_ymmm256_k1z_ymm, part(Z[0], 32)),
            16 => (EVEX_Vmovdqu64_xmm_k1z_xmmm128, EVEX_Vmovdqu64_xmmm128_k1z_xmm, part(Z[0], 16)),
            8 => (Mov_r64_rm64, Mov_rm64_r64, Register::RAX),
            4 => (Mov_r32_rm32, Mov_rm32_r32, Register::EAX),
            2 => (Mov_r16_rm16, Mov_rm16_r16, Register::AX),
            _ => (Mov_r8_rm8, Mov_rm8_r8, Register::AL),
        };
        self.asm.rm(load, register, from);
        self.asm.mr(store, to, register);
    }

    pub fn shuffle(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.plain()?;
        if plain.is_mask() {
            return self.mask_shuffle(instruction);
        }
        let bits = plain.scalar.bits();
        if !matches!(bits, 8 | 16 | 32 | 64) {
            return Err(Unsupported("lanes of odd width"));
        }
        let source = instruction.operand(0).plain()?;
        let (a, b) = (self.place_of_lanes(instruction, 0)?, self.place_of_lanes(instruction, 1)?);
        let to = self.result(instruction)?;
        let order = instruction.shuffle_order();
        let runs = runs(&order, source.lanes);
        let bytes = bits / 8;
        let place_of = |lane: u32| match lane < source.lanes {
            true => a.plus(lane * bytes),
            false => b.plus((lane - source.lanes) * bytes),
        };
        if let [run] = runs[..]
            && (run.repeats || run.length == 1)
        {
            return self.splat_into(to, plain, place_of(run.from));
        }
        if runs.len() > RUNS_MAX && bits >= 32 && a.base == b.base {
            return self.gather_lanes(to, plain, &order, source, (a, b));
        }
        for run in runs {
            self.copy_run(to.plus(run.to * bytes), place_of(run.from), run, bytes);
        }
        Ok(())
    }

    /// The place of an operand; of one that may be anything, that of the other.
    fn place_of_lanes(&mut self, instruction: Value<'a>, index: u32) -> Result<Place, Unsupported> {
        let operand = instruction.operand(index);
        let other = instruction.operand(1 - index);
        self.place(if operand.is_undefined() { other } else { operand })
    }

    fn copy_run(&mut self, to: Place, from: Place, run: Run, bytes: u32) {
        if !run.repeats {
            return self.copy_bytes(to, from, run.length * bytes);
        }
        for index in 0..run.length {
            self.copy_bytes(to.plus(index * bytes), from, bytes);
        }
    }

    /// Lanes of 32 or 64 bits from anywhere in two places, by numbers that are known.
    fn gather_lanes(
        &mut self,
        to: Place,
        plain: Plain,
        order: &[Option<u32>],
        source: Plain,
        (a, b): (Place, Place),
    ) -> Result<(), Unsupported> {
        let bytes = plain.scalar.bits() / 8;
        let distance = |lane: u32| match lane < source.lanes {
            true => (lane * bytes) as i32,
            false => b.at - a.at + ((lane - source.lanes) * bytes) as i32,
        };
        let lanes = plain.chunk_lanes() as usize;
        for (chunk, order) in order.chunks(lanes).enumerate() {
            let mut numbers: Vec<u8> =
                order.iter().flat_map(|lane| distance(lane.unwrap_or(0)).to_le_bytes()).collect();
            numbers.resize(numbers.len().max(lanes * 4), 0);
            numbers.resize(64, 0);
            let numbers = self.asm.constant(numbers);
            self.asm.rm(Code::EVEX_Vmovdqu64_zmm_k1z_zmmm512, Z[1], numbers.operand());
            let (code, index) = match bytes {
                4 => (Code::EVEX_Vpgatherdd_zmm_k1_vm32z, Z[1]),
                _ => (Code::EVEX_Vpgatherdq_zmm_k1_vm32y, part(Z[1], 32)),
            };
            self.asm.rrr(Code::VEX_Kxnorq_kr_kr_kr, Register::K1, Register::K1, Register::K1);
            let from = MemoryOperand::new(a.base, index, 1, i64::from(a.at), 1, false, Register::None);
            let to = self.new_chunk(to, chunk as u32);
            self.asm.masked(Instruction::with2(code, to, from), Register::K1, false);
        }
        Ok(())
    }

    /// A lane that is known as a place, or the place of a lane whose number is put into RCX.
    fn lane_operand(&mut self, vector: Place, plain: Plain, index: Value<'a>) -> Result<MemoryOperand, Unsupported> {
        let bytes = plain.scalar.bits() / 8;
        if !matches!(plain.scalar.bits(), 8 | 16 | 32 | 64) {
            return Err(Unsupported("lanes of odd width"));
        }
        if let Some(lane) = index.as_integer() {
            return Ok(vector.plus((lane as u32 % plain.lanes) * bytes).operand());
        }
        self.load_int(Register::RCX, index)?;
        // A number out of range may give anything, but must not reach beyond the frame.
        let most = plain.lanes.next_power_of_two() - 1;
        self.asm.ri(Code::And_rm32_imm32, Register::ECX, most as i32);
        Ok(vector.indexed(Register::RCX, bytes))
    }

    pub fn extract_lane(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let vector = instruction.operand(0);
        let plain = vector.plain()?;
        if plain.is_mask() {
            return self.mask_extract(instruction);
        }
        let place = self.place(vector)?;
        let from = self.lane_operand(place, plain, instruction.operand(1))?;
        let (code, register) = match plain.scalar.bits() {
            8 => (Code::Movzx_r32_rm8, Register::EAX),
            16 => (Code::Movzx_r32_rm16, Register::EAX),
            32 => (Code::Mov_r32_rm32, Register::EAX),
            _ => (Code::Mov_r64_rm64, Register::RAX),
        };
        self.asm.rm(code, register, from);
        let to = self.result(instruction)?;
        self.asm.mr(Code::Mov_rm64_r64, to.operand(), Register::RAX);
        Ok(())
    }

    pub fn insert_lane(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let plain = instruction.plain()?;
        if plain.is_mask() {
            return self.mask_insert(instruction);
        }
        let place = self.result_from(instruction, instruction.operand(0))?;
        if instruction.operand(1).is_undefined() {
            return Ok(());
        }
        let to = self.lane_operand(place, plain, instruction.operand(2))?;
        let from = self.place(instruction.operand(1))?;
        self.move_bytes(to, from.operand(), plain.scalar.bits() / 8);
        Ok(())
    }

    /// Where a part of a structure lies in it.
    fn part_of(ty: &Ty, index: usize) -> Result<(Plain, u32), Unsupported> {
        let Ty::Struct(parts) = ty else { return Err(Unsupported("a part of no structure")) };
        let (offsets, _) = ty.layout();
        match (parts.get(index), offsets.get(index)) {
            (Some(plain), Some(at)) => Ok((*plain, *at)),
            _ => Err(Unsupported("a part that is not there")),
        }
    }

    pub fn extract_part(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let whole = instruction.operand(0);
        let index = instruction.part().ok_or(Unsupported("a part of a part"))?;
        let (plain, at) = Self::part_of(&whole.ty()?, index)?;
        let from = self.place(whole)?.plus(at);
        let to = self.result(instruction)?;
        self.copy_bytes(to, from, plain.place_bytes());
        Ok(())
    }

    pub fn insert_part(&mut self, instruction: Value<'a>) -> Result<(), Unsupported> {
        let index = instruction.part().ok_or(Unsupported("a part of a part"))?;
        let (plain, at) = Self::part_of(&instruction.ty()?, index)?;
        let place = self.result_from(instruction, instruction.operand(0))?;
        if instruction.operand(1).is_undefined() {
            return Ok(());
        }
        let from = self.place(instruction.operand(1))?;
        self.copy_bytes(place.plus(at), from, plain.place_bytes());
        Ok(())
    }
}
