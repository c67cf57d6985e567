//! Shells that scripts are written for.

/// How a script is run: `PROGRAM ARGUMENTS FILE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shell {
    /// What definitions call it.
    pub name: &'static str,
    /// The program that is looked for in `PATH`.
    pub program: &'static str,
    /// What stands before the file.
    pub arguments: &'static [&'static str],
    /// Ending of the file's name, for those who look at it.
    pub ending: &'static str,
}

/// The shells that are known by name. `bash` and `sh` stop at the first command that fails, as they do on
/// the common CI systems: a script whose third line failed must not pass because its last one did not.
/// `bash` also sees failures inside pipelines, and reads no start-up files. A script that wants otherwise
/// says `set +e`. Unset variables are no error: that is the script's own choice (`set -u`).
pub const SHELLS: &[Shell] = &[
    Shell {
        name: "bash",
        program: "bash",
        arguments: &["--noprofile", "--norc", "-e", "-o", "pipefail"],
        ending: ".sh",
    },
    Shell { name: "sh", program: "sh", arguments: &["-e"], ending: ".sh" },
    Shell { name: "zsh", program: "zsh", arguments: &["-f", "-e", "-o", "pipefail"], ending: ".zsh" },
    Shell { name: "fish", program: "fish", arguments: &["--no-config"], ending: ".fish" },
    Shell { name: "python", program: "python3", arguments: &[], ending: ".py" },
    Shell { name: "python3", program: "python3", arguments: &[], ending: ".py" },
    Shell { name: "node", program: "node", arguments: &[], ending: ".js" },
    Shell { name: "ruby", program: "ruby", arguments: &[], ending: ".rb" },
    Shell { name: "perl", program: "perl", arguments: &[], ending: ".pl" },
    Shell {
        name: "pwsh",
        program: "pwsh",
        arguments: &["-NoLogo", "-NoProfile", "-NonInteractive", "-File"],
        ending: ".ps1",
    },
];

impl Shell {
    /// The shell of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SHELLS.iter().find(|shell| shell.name == name)
    }
}

/// Program, arguments and ending for a shell: one of the known, else the program of that name with the file
/// as its only argument.
pub(super) fn invocation(name: &str) -> (&str, &'static [&'static str], &'static str) {
    match Shell::named(name) {
        Some(shell) => (shell.program, shell.arguments, shell.ending),
        None => (name, &[], ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_shells_are_unique_and_others_are_programs() {
        for (at, shell) in SHELLS.iter().enumerate() {
            assert!(SHELLS[at + 1..].iter().all(|other| other.name != shell.name));
        }
        assert_eq!(invocation("python").0, "python3");
        assert_eq!(invocation("/opt/x/bin/lua"), ("/opt/x/bin/lua", [].as_slice(), ""));
    }
}
