//! Errors as the command line tells them.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Value, json};
use stead_core::people;
use stead_engine::Blame;
use stead_engine::error::EngineError;
use stead_engine::remote::RemoteError;
use stead_lang::Diagnostic;
use stead_server::ListenError;
use stead_store::StoreError;
use stead_store::library::Refusal;

use crate::exit::Exit;
use crate::text::clean;

/// What sort of trouble it is: decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was asked for cannot be: wrong arguments, inputs, names, definitions.
    Usage,
    /// The operation does not fit what the run is doing.
    Refused,
    /// Home, store or engine.
    Engine,
    /// Nobody reads standard output any more. Nothing is said about it.
    Closed,
    /// A signal came while something was waited for.
    Left,
}

/// An error with its code, and what to try.
#[derive(Debug)]
pub struct CliError {
    /// What sort.
    pub kind: Kind,
    /// Stable code; `stead explain` knows it.
    pub code: Cow<'static, str>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// More, a line each: all that is wrong, where there are several things.
    pub details: Vec<String>,
    /// What to try, a line each.
    pub hints: Vec<String>,
    /// Findings in definitions, written out for people, and as they are.
    pub findings: Option<Box<(String, Vec<Diagnostic>)>>,
}

/// Codes of the command line itself. Those of the language (`E`), runs (`R`) and stores (`S`) keep theirs.
pub mod codes {
    /// An argument that cannot be understood.
    pub const ARGUMENT: &str = "C0101";
    /// No run was named, and nobody can be asked.
    pub const NO_RUN_NAMED: &str = "C0102";
    /// There is nothing that fits.
    pub const NOTHING: &str = "C0103";
    /// Not asked of a server elsewhere.
    pub const ELSEWHERE: &str = "C0104";
    /// A token for a server.
    pub const TOKEN: &str = "C0105";
    /// Inputs of a run.
    pub const INPUTS: &str = "C0201";
    /// A file that is to be read.
    pub const FILE: &str = "C0202";
    /// The definition has errors.
    pub const DEFINITION: &str = "C0203";
    /// The run has no such output.
    pub const NO_OUTPUT: &str = "C0204";
    /// A settings file.
    pub const SETTINGS: &str = "C0205";
    /// A file of another tool.
    pub const DIALECT: &str = "C0206";
    /// A table whose rows are to be run.
    pub const TABLE: &str = "C0207";
    /// Something of the terminal or the machine.
    pub const MACHINE: &str = "C0301";

    /// All of them, with what they mean.
    pub const ALL: &[(&str, &str, &str)] = &[
        (
            ARGUMENT,
            "an argument cannot be understood",
            "`stead COMMAND --help` shows what each argument takes.",
        ),
        (
            NO_RUN_NAMED,
            "no run was named",
            "At a terminal a command without a run takes the newest open one. In a script that would be a guess, so \
             name it: by its id, the beginning of it, @last, @last:failed, or the name of its workflow.",
        ),
        (NOTHING, "there is nothing that fits", "The message names what was looked for and what there is."),
        (
            ELSEWHERE,
            "this is not asked of a server elsewhere",
            "Nearly all commands work on a home of this machine and, with `--server URL` or STEAD_SERVER, on a server. What holds a \
             home, or takes its folder, is done on its machine.",
        ),
        (
            TOKEN,
            "a token for a server cannot be used",
            "`stead login URL` tries a token and keeps it in servers.json in the user's folder of settings, which nobody else may \
             read. STEAD_TOKEN has one, or STEAD_TOKEN_FILE names a file that holds nothing else.",
        ),
        (
            INPUTS,
            "inputs are missing or do not fit",
            "All that is wrong is listed at once, each with its own code. Give inputs with `-i NAME=VALUE`, \
             `-i NAME:=JSON`, `-i NAME=@FILE`, or all in one JSON or YAML file with `--input-file FILE`.",
        ),
        (FILE, "a file cannot be read", "The message names the file and what the system says."),
        (
            DEFINITION,
            "a definition has errors",
            "Nothing was run. Each finding stands above with its place and code; `stead check FILE` shows them again.",
        ),
        (NO_OUTPUT, "the run has no such output", "`stead status RUN --json` shows the outputs that it has."),
        (
            SETTINGS,
            "settings that cannot be used",
            "A settings file (`settings.yml` in the home or in the user's folder of settings) is broken, or others than \
             its owner can read it. The message says where and why; nothing was run.",
        ),
        (
            DIALECT,
            "a file is no definition that can be imported",
            "The message says as what it was tried, and why it is none of these. `--from DIALECT` tries one alone and says \
             what it lacks; docs/import.md has what each of them looks like.",
        ),
        (
            TABLE,
            "the rows of a batch cannot be made",
            "Something is wrong with the table as such, or with the values of a sweep: columns that the workflow does not \
             know or lacks, rows of another length, a broken line. Nothing was run. A value that does not fit its input is \
             no such error: its row fails, and its result says why.",
        ),
        (MACHINE, "the machine does not give what is needed", "The message says what the system refused."),
    ];
}

impl CliError {
    fn new(kind: Kind, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let code = code.into();
        Self { kind, code, message: message.into(), details: Vec::new(), hints: Vec::new(), findings: None }
    }

    /// What was asked for cannot be.
    pub fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, code, message)
    }

    /// The machine failed.
    pub fn machine(message: impl Into<String>) -> Self {
        Self::new(Kind::Engine, codes::MACHINE, message)
    }

    /// Nobody reads standard output.
    pub fn closed() -> Self {
        Self::new(Kind::Closed, codes::MACHINE, "standard output is closed")
    }

    /// A signal came while something was waited for.
    pub fn left(message: impl Into<String>) -> Self {
        Self::new(Kind::Left, codes::MACHINE, message)
    }

    /// A server that cannot be asked as it was named.
    pub fn of_server(error: RemoteError) -> Self {
        EngineError::from(error).into()
    }

    /// With something to try.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// With more to tell.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// With findings in a definition, written out.
    pub fn findings(mut self, text: String, all: Vec<Diagnostic>) -> Self {
        self.findings = Some(Box::new((text, all)));
        self
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self.kind {
            Kind::Usage => Exit::Usage,
            Kind::Refused => Exit::Failed,
            Kind::Engine => Exit::Engine,
            Kind::Closed => Exit::Done,
            Kind::Left => Exit::Left,
        }
    }

    /// As the last line of `--json`.
    pub fn to_json(&self) -> Value {
        let mut record = json!({"type": "error", "code": self.code, "message": self.message});
        if !self.details.is_empty() {
            record["details"] = json!(self.details);
        }
        if !self.hints.is_empty() {
            record["hints"] = json!(self.hints);
        }
        if let Some(findings) = &self.findings {
            record["diagnostics"] = json!(findings.1);
        }
        record
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.code, clean(&self.message))?;
        for detail in &self.details {
            writeln!(f, "  {}", clean(detail))?;
        }
        for hint in &self.hints {
            writeln!(f, "help: {}", clean(hint))?;
        }
        Ok(())
    }
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        let kind = match error.blame() {
            Blame::Asked => Kind::Usage,
            Blame::Standing => Kind::Refused,
            Blame::Engine => Kind::Engine,
        };
        let mut out = Self::new(kind, error.code().to_owned(), error.to_string());
        if let EngineError::Store(StoreError::Library(Refusal::Unknown { near: Some(near), .. })) = &error {
            out.hints.push(format!("did you mean `{near}`?"));
        }
        if let EngineError::Store(StoreError::People(
            people::Refusal::Unknown { near: Some(near), .. }
            | people::Refusal::UnknownGroup { near: Some(near), .. },
        )) = &error
        {
            out.hints.push(format!("did you mean `{near}`?"));
        }
        out.hints.extend(error.help());
        out
    }
}

impl From<ListenError> for CliError {
    fn from(error: ListenError) -> Self {
        let kind = match &error {
            ListenError::NoAddress { .. } | ListenError::NoUrl { .. } | ListenError::NobodyKnown { .. } => {
                Kind::Usage
            }
            ListenError::Home(_)
            | ListenError::Taken { .. }
            | ListenError::Machine { .. }
            | ListenError::Untold => Kind::Engine,
        };
        Self::new(kind, error.code(), error.to_string()).hint(error.help())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_with_its_code_and_what_to_try() {
        let error = CliError::usage(codes::INPUTS, "two\x1b[31m things").detail("first").hint("try this");
        assert_eq!(error.to_string(), "error[C0201]: two things\n  first\nhelp: try this\n");
        assert_eq!(error.exit(), Exit::Usage);
        assert_eq!(error.to_json()["hints"][0], "try this");
    }

    #[test]
    fn codes_of_the_engine_stay() {
        let error = CliError::from(EngineError::NoRun { id: "r_1".into() });
        assert_eq!((&*error.code, error.exit()), ("R0201", Exit::Usage));
        let error = CliError::from(EngineError::Stopped("x".into()));
        assert_eq!((&*error.code, error.exit()), ("R0302", Exit::Engine));
    }
}
