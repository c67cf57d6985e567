//! Where secrets come from, and that they go nowhere else.

use serde_json::json;

use super::*;
use crate::executor::NoControl;

struct One(&'static str);
impl Secrets for One {
    fn get(&self, name: &str, _: Option<&Environment>, _: &dyn Control) -> Result<SecretString, SecretError> {
        SecretString::new(name, self.0)
    }
}

fn places(pointer: &str) -> Vec<SecretPlace> {
    vec![SecretPlace { pointer: pointer.to_owned(), name: "TOKEN".to_owned(), part: false }]
}

#[test]
fn a_text_with_secrets_in_it_is_one_text_again() {
    let mut request = json!({"headers": {"A": ["Bearer ", null, "/", null]}, "json": [["x", null]]});
    let part = |pointer: &str| SecretPlace { part: true, ..places(pointer).remove(0) };
    let all = [vec![part("/headers/A/1"), part("/headers/A/3")], places("/json/0/1")].concat();
    put_in(&mut request, &all, &One("hunter22"), None, &NoControl).unwrap();
    assert_eq!(
        request,
        json!({"headers": {"A": "Bearer hunter22/hunter22"}, "json": [["x", "hunter22"]]}),
        "and a list stays one"
    );
}

#[test]
fn a_secret_is_never_printed() {
    let secret = SecretString::new("TOKEN", "hunter22").unwrap();
    assert_eq!(format!("{secret:?}"), "SecretString(***)");
    for value in ["abc", "a\n\n\n\n", &"x".repeat(SECRET_MAX + 1)] {
        let error = SecretString::new("TOKEN", value).unwrap_err();
        assert!(error.to_string().contains("TOKEN"), "{error}");
        assert!(!error.to_string().contains(value), "{error}");
    }
}

#[test]
fn secrets_go_to_their_places_in_the_request() {
    let mut request = json!({"env": {"A/B": null, "C": "c"}, "stdin": {"list": [1, null]}});
    let all = [places("/env/A~1B"), places("/stdin/list/1")].concat();
    let used = put_in(&mut request, &all, &One("hunter22"), None, &NoControl).unwrap();
    assert_eq!(request, json!({"env": {"A/B": "hunter22", "C": "c"}, "stdin": {"list": [1, "hunter22"]}}));
    assert_eq!(used.len(), 1, "the same secret is redacted once");
}

#[test]
fn a_place_that_is_not_there_is_an_error() {
    let error = put_in(&mut json!({}), &places("/env/A"), &One("hunter22"), None, &NoControl).unwrap_err();
    assert_eq!(error, SecretError::NoPlace { name: "TOKEN".to_owned(), pointer: "/env/A".to_owned() });
}

#[test]
fn a_missing_variable_says_what_to_set() {
    let error = EnvironmentSecrets.get("STEAD_NO_SUCH_SECRET", None, &NoControl).unwrap_err();
    assert!(error.to_string().contains("environment variable `STEAD_NO_SUCH_SECRET`"), "{error}");
    assert!(EnvironmentSecrets.get("PATH", None, &NoControl).is_ok());
}

/// A home with a settings file, and a user with another.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new(settings: &str) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        bench.write("home/settings.yml", settings, 0o600);
        bench
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn secrets(&self) -> ConfiguredSecrets {
        let user = self.path("user");
        ConfiguredSecrets::of(&self.path("home"), |name| (name == "HOME").then(|| user.clone()))
    }

    fn get(&self, name: &str) -> Result<String, String> {
        let secret = self.secrets().get(name, None, &NoControl);
        secret.map(|secret| secret.expose().to_owned()).map_err(|error| error.to_string())
    }

    fn fails(&self, name: &str, part: &str) {
        let error = self.get(name).unwrap_err();
        assert!(error.contains(part), "no `{part}` in `{error}`");
        assert!(!error.contains("hunter22"), "{error}");
    }
}

const NAME: &str = "STEAD_TEST_SECRET";

#[test]
fn a_secret_comes_from_the_first_place_that_names_it() {
    let bench = Bench::new("secrets:\n  STEAD_TEST_SECRET: hunter22-home\n  PATH: hunter22-path\n");
    bench.write(
        "user/.config/stead/settings.yml",
        "secrets: { STEAD_TEST_SECRET: hunter22-user, OTHER_SECRET: \"0012345\" }\n",
        0o400,
    );
    assert_eq!(bench.get(NAME), Ok("hunter22-home".to_owned()));
    assert_eq!(bench.get("OTHER_SECRET"), Ok("0012345".to_owned()));
    assert_eq!(bench.get("PATH"), Ok(std::env::var("PATH").unwrap()), "the environment goes first");
    bench.fails(
        "NO_SUCH_SECRET",
        "start Stead with the environment variable `NO_SUCH_SECRET`, or name it in `",
    );
    let absolute = bench.path("elsewhere");
    let secrets = ConfiguredSecrets::of(&bench.path("none"), |name| {
        Some(if name == "XDG_CONFIG_HOME" { absolute.clone() } else { PathBuf::from("relative") })
    });
    assert_eq!(secrets.files, [bench.path("none/settings.yml"), bench.path("elsewhere/stead/settings.yml")]);
    assert!(secrets.check().is_ok(), "there need be none");
}

#[test]
fn a_settings_file_is_its_owners_alone() {
    let bench = Bench::new("");
    for mode in [0o640, 0o604, 0o620, 0o644, 0o777] {
        bench.write("home/settings.yml", "secrets: { STEAD_TEST_SECRET: hunter22 }\n", mode);
        bench.fails(NAME, &format!("is open to others (mode {mode:03o})"));
        bench.fails(NAME, &format!("`chmod 600 {}`", bench.path("home/settings.yml").display()));
        assert!(bench.secrets().check().is_err());
    }
    bench.write("home/settings.yml", "secrets: { STEAD_TEST_SECRET: hunter22 }\n", 0o600);
    assert!(bench.get(NAME).is_ok());
}

#[test]
fn what_is_wrong_with_settings_is_said_without_what_stands_in_them() {
    for (text, part) in [
        ("- hunter22\n", "settings.yml:1:1` is to be a map"),
        ("hunter22\n", "is to be a map"),
        ("hunter22: 1\n", "has a key that settings do not have"),
        ("secrets: [hunter22]\n", "is to be a map from names"),
        ("secrets:\n  A: [hunter22]\n", "settings.yml:2:6` is to be a text, or"),
        ("secrets:\n  A:\n", "is to be a text"),
        ("secrets: { A: { command: hunter22 } }\n", "is to be `command`, with a list"),
        ("secrets: { A: { command: [] } }\n", "is to be `command`"),
        ("secrets: { A: { command: [x], value: hunter22 } }\n", "is to be `command`"),
        ("secrets: { A: \"hunter22\n", "is no YAML here (E01"),
        ("secrets:\n  hunter22: 1\n  hunter22: 2\n", "is no YAML here (E01"),
        ("secrets: {A: hunter22, B: *x}\n", "is no YAML here (E01"),
    ] {
        let bench = Bench::new(text);
        bench.fails(NAME, part);
        let error = bench.secrets().check().unwrap_err().to_string();
        assert!(!error.contains("hunter22"), "{error}");
    }
}

#[test]
fn p11_settings_are_bounded() {
    use crate::limits::{SETTINGS_BYTES, SETTINGS_SECRETS};
    Bench::new(&format!("# {}\n", "x".repeat(SETTINGS_BYTES))).fails(NAME, "is larger than 262144 bytes");
    let entries = |count: usize| (0..count).map(|n| format!("  S{n}: hunter22\n")).collect::<String>();
    Bench::new(&format!("secrets:\n{}", entries(SETTINGS_SECRETS + 1)))
        .fails(NAME, "has more than 1000 secrets");
    assert!(Bench::new(&format!("secrets:\n{}", entries(SETTINGS_SECRETS))).get("S7").is_ok());
    for (value, part) in
        [("abc", "is shorter than 4 bytes"), (&"x".repeat(SECRET_MAX + 1), "is longer than 65536 bytes")]
    {
        let bench = Bench::new(&format!("secrets: {{ STEAD_TEST_SECRET: {value} }}\n"));
        bench.fails(NAME, part);
    }
}

/// A secret that this script prints.
fn told_by(script: &str) -> Bench {
    let command = serde_json::to_string(script).unwrap();
    Bench::new(&format!("secrets: {{ STEAD_TEST_SECRET: {{ command: [sh, -c, {command}] }} }}\n"))
}

#[test]
fn a_program_tells_a_secret() {
    assert_eq!(told_by("echo hunter22; echo noise >&2").get(NAME), Ok("hunter22".to_owned()));
    assert_eq!(told_by("printf 'hunter22\\r\\n'").get(NAME), Ok("hunter22".to_owned()));
    assert_eq!(told_by("printf 'two\\nlines\\n\\n'").get(NAME), Ok("two\nlines\n".to_owned()));
    assert_eq!(told_by("cat; printf %s \"$PATH\"").get(NAME), Ok(std::env::var("PATH").unwrap()));
    for (script, part) in [
        ("echo hunter22; echo hunter22 >&2; exit 3", "failed (exit status: 3): call it by hand to see why"),
        ("echo hunter22; kill -9 $$", "failed (signal: 9"),
        ("printf 'hunter22\\377'", "is no UTF-8 text"),
        ("true", "is shorter than 4 bytes"),
        ("yes hunter22", "printed more than 65536 bytes"),
    ] {
        let error = told_by(script).get(NAME).unwrap_err();
        assert!(error.contains(part), "{script}: {error}");
        assert!(error.contains("secret `STEAD_TEST_SECRET`"), "{error}");
    }
    let bench = Bench::new("secrets: { STEAD_TEST_SECRET: { command: [no-such-program, x] } }\n");
    bench.fails(NAME, "`no-such-program` cannot be started");
}

#[test]
fn a_program_is_asked_when_needed_and_once() {
    let bench = told_by("echo x >> \"$0.asked\"; echo hunter22");
    let asked = bench.path("asked");
    let text = format!(
        "secrets:\n  STEAD_TEST_SECRET: {{ command: [sh, -c, 'echo x >> \"$0\"; sleep 0.05; echo hunter22', {0}] }}\n  NEVER: {{ command: [touch, {0}.never] }}\n",
        asked.display()
    );
    bench.write("home/settings.yml", &text, 0o600);
    let secrets = bench.secrets();
    secrets.check().unwrap();
    assert!(!asked.exists(), "looking at settings asks nobody");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(secrets.get(NAME, None, &NoControl).unwrap().expose(), "hunter22"));
        }
    });
    assert_eq!(std::fs::read_to_string(&asked).unwrap(), "x\n");
    assert!(!bench.path("asked.never").exists());
    // One that failed is asked again: its store may be unlocked meanwhile.
    let text = format!(
        "secrets: {{ STEAD_TEST_SECRET: {{ command: [cat, {}] }} }}\n",
        bench.path("later").display()
    );
    bench.write("home/settings.yml", &text, 0o600);
    assert!(secrets.get(NAME, None, &NoControl).is_err());
    bench.write("later", "hunter22-later", 0o600);
    assert_eq!(secrets.get(NAME, None, &NoControl).unwrap().expose(), "hunter22-later");
}

#[test]
fn p5_a_program_that_does_not_tell_is_ended_with_the_step() {
    use crate::executor::EndSwitch;
    use stead_core::effect::EndReason;
    let bench = Bench::new("");
    let begun = bench.path("begun");
    let text = format!(
        "secrets: {{ STEAD_TEST_SECRET: {{ command: [sh, -c, 'sleep 600 & echo $! >\"$0.pid\"; mv \"$0.pid\" \"$0\"; wait', {}] }} }}\n",
        begun.display()
    );
    bench.write("home/settings.yml", &text, 0o600);
    let secrets = bench.secrets();
    let (first, second) = (EndSwitch::new().unwrap(), EndSwitch::new().unwrap());
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| secrets.get(NAME, None, &first));
        while !begun.exists() {
            std::thread::yield_now();
        }
        let waits = scope.spawn(|| secrets.get(NAME, None, &second));
        second.end(EndReason::Cancelled);
        assert!(waits.join().unwrap().unwrap_err().to_string().contains("the step was ended first"));
        first.end(EndReason::Timeout);
        assert!(asks.join().unwrap().unwrap_err().to_string().contains("was ended with the step"));
    });
    let pid: i32 = std::fs::read_to_string(&begun).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    // It is somebody else's child by now, and is gone as soon as that has noticed.
    while rustix::process::test_kill_process(pid).is_ok() && !is_dead(pid.as_raw_nonzero().get()) {
        std::thread::yield_now();
    }
}

/// Whether a process has ended and only its entry is left.
fn is_dead(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_none_or(|rest| rest.trim_start().starts_with('Z') || rest.is_empty())
}
