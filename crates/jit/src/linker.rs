//! Several texts on their way to one module.

use ptx::ast::Module;
use ptx::check::check_known;
use ptx::link::{self, Input, LinkError};

/// What has been added so far.
#[derive(Debug, Default)]
pub struct Linker {
    inputs: Vec<Input>,
    /// Members of archives, which take part if they are needed.
    members: Vec<Input>,
}

impl Linker {
    /// Adds a text. `is_checked` has its bodies checked, too, which are otherwise looked at when the module is linked.
    ///
    /// # Errors
    /// When it is no PTX: where and why. It then is not added.
    pub fn add(&mut self, name: &str, text: &str, is_checked: bool) -> Result<(), LinkError> {
        self.inputs.push(parse(name, text, is_checked)?);
        Ok(())
    }

    /// Adds a member of an archive.
    ///
    /// # Errors
    /// As for [`add`](Linker::add).
    pub fn add_member(&mut self, name: &str, text: &str) -> Result<(), LinkError> {
        self.members.push(parse(name, text, false)?);
        Ok(())
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.inputs.len() + self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the texts that were added so far disagree about, but for members of archives.
    pub fn conflicts(&self) -> Vec<LinkError> {
        link::check(&self.inputs).err().unwrap_or_default()
    }

    /// The text of the linked module.
    ///
    /// # Errors
    /// All that keeps the texts from being one module.
    pub fn finish(&self) -> Result<String, Vec<LinkError>> {
        let selected = link::select(&self.inputs, &self.members);
        let members = selected.iter().map(|index| &self.members[*index]);
        let inputs: Vec<Input> = self.inputs.iter().chain(members).cloned().collect();
        link::link(&inputs)
    }
}

fn parse(name: &str, text: &str, is_checked: bool) -> Result<Input, LinkError> {
    let wrong = |error| LinkError::Text { input: name.to_owned(), error };
    let module = Module::parse(text).map_err(wrong)?;
    let error = if is_checked { check_known(&module).into_iter().next() } else { None };
    match error {
        Some(error) => Err(wrong(error)),
        None => Ok(Input { name: name.to_owned(), module }),
    }
}
