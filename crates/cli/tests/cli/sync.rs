//! P2, as the system sees it: what is synced, and in which order. `kill -9` cannot show that; a power cut would.
#![cfg(target_os = "linux")]

use std::collections::HashMap;

use crate::project::{Project, finish, start};

/// A call to the system that has succeeded, by one of the threads.
#[derive(Debug)]
struct Call {
    thread: u32,
    name: String,
    /// What stands between the brackets, with the paths of descriptors.
    args: String,
    /// Lines of the trace.
    begun: usize,
    done: usize,
}

/// Reads a trace. A call that another thread interrupts stands in two lines.
fn calls(trace: &str) -> Vec<Call> {
    let mut open: HashMap<u32, (String, String, usize)> = HashMap::new();
    let mut all = Vec::new();
    for (at, line) in trace.lines().enumerate() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let (thread, rest) = (thread.parse().unwrap(), rest.trim_start());
        let (name, args, begun, rest) = if let Some(rest) = rest.strip_prefix("<... ") {
            let Some((name, args, begun)) = open.remove(&thread) else { continue };
            (name, args, begun, rest)
        } else {
            let Some((name, args)) = rest.split_once('(') else { continue };
            if let Some(args) = args.strip_suffix(" <unfinished ...>") {
                open.insert(thread, (name.to_owned(), args.to_owned(), at));
                continue;
            }
            (name.to_owned(), args.to_owned(), at, rest)
        };
        let succeeded = rest.rsplit_once(") ").is_some_and(|(_, result)| !result.contains("= -1"));
        if succeeded {
            all.push(Call { thread, name, args, begun, done: at });
        }
    }
    all
}

fn is_sync(call: &Call) -> bool {
    matches!(&*call.name, "fsync" | "fdatasync")
}

fn is_write(call: &Call) -> bool {
    matches!(&*call.name, "write" | "pwrite64" | "writev" | "pwritev")
}

#[test]
fn p2_a_file_is_synced_then_its_folder_then_the_commit_and_then_comes_the_effect() {
    let project = Project::new()
        .workflow(
            "large",
            "steps:
  - { id: large, run: 'head -c 100000 /dev/zero | tr \"\\\\0\" x' }
  - { id: next, run: [./effect] }
outputs: { n: '${{ size(steps.large.output) }}' }
",
        )
        .with("effect", "#!/bin/sh\necho done\n");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(project.path("effect"), executable).unwrap();
    let stead = project.command();
    let mut traced = std::process::Command::new("strace");
    traced.args(["-f", "-y", "-qq", "-s", "8", "-e", "signal=none", "-o", "trace"]);
    traced.args(["-e", "trace=openat,write,writev,pwrite64,pwritev,fsync,fdatasync,rename,execve"]);
    traced.arg(stead.get_program()).args(["run", "large.yml"]);
    traced.current_dir(project.path("")).env_clear().stdin(std::process::Stdio::null());
    traced.envs(stead.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let installed = std::process::Command::new("strace").arg("-V").output();
    assert!(installed.is_ok(), "this test needs strace: apt-get install strace");
    finish(start(&mut traced)).is(0);
    let calls = calls(&project.text("trace"));
    let find = |what: &str, wanted: &dyn Fn(&Call) -> bool| {
        calls.iter().find(|call| wanted(call)).unwrap_or_else(|| panic!("no {what} in {calls:#?}"))
    };
    let effect = find("effect", &|call| call.name == "execve" && call.args.contains("/effect"));

    // The value that is too large for an event.
    let moved = find("rename", &|call| call.name == "rename" && call.args.contains("/.stead/files/tmp/"));
    let mut paths = moved.args.split('"');
    let (from, to) = (paths.nth(1).unwrap(), paths.nth(1).unwrap());
    let written = calls.iter().rfind(|call| is_write(call) && call.args.contains(from)).unwrap();
    let file = find("sync of the file", &|call| is_sync(call) && call.args.contains(from));
    let folder = to.rsplit_once('/').unwrap().0;
    let listed = find("sync of the folder", &|call| {
        is_sync(call) && call.args.contains(&format!("<{folder}>")) && call.begun > moved.done
    });
    assert!(written.done < file.begun && file.done < moved.begun, "{calls:#?}");

    // The commit that names it.
    let is_log = |call: &Call| call.args.contains("/stead.db-wal>");
    let commit =
        calls.iter().rfind(|call| is_write(call) && is_log(call) && call.done < effect.begun).unwrap();
    assert!(listed.done < commit.begun, "the folder is synced before the commit is written: {calls:#?}");
    let synced =
        find("sync of the commit", &|call| is_sync(call) && is_log(call) && call.begun > commit.done);
    assert!(synced.done < effect.begun, "the commit is synced before the next step begins: {calls:#?}");

    // Nothing is told before it is durable.
    let own = calls[0].thread;
    let told = find("answer", &|call| call.thread == own && is_write(call) && call.args.starts_with("1<"));
    let last = calls.iter().rfind(|call| is_write(call) && is_log(call) && call.begun < told.begun).unwrap();
    let synced = find("last sync", &|call| is_sync(call) && is_log(call) && call.begun > last.done);
    assert!(synced.done < told.begun, "the end is durable before it is told: {calls:#?}");
}
