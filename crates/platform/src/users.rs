//! What the system calls its users.

use std::process::{Command, Stdio};

/// The name of a user. `None`: the system has none for this number.
///
/// The list of the machine itself is read; where the user stands elsewhere (a directory of the company), the
/// program `id` is asked, which knows where.
pub fn name_of(user: u32) -> Option<String> {
    let local = std::fs::read_to_string("/etc/passwd").ok();
    local.and_then(|list| listed(&list, user)).or_else(|| asked(user))
}

/// `NAME:PASSWORD:USER:GROUP:…`, a line each.
fn listed(list: &str, user: u32) -> Option<String> {
    list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
    })
}

fn asked(user: u32) -> Option<String> {
    let mut command = Command::new("id");
    command.args(["-un", "--", &user.to_string()]).stdin(Stdio::null()).stderr(Stdio::null());
    let said = command.output().ok().filter(|said| said.status.success())?;
    let name = String::from_utf8(said.stdout).ok()?.trim_end().to_owned();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_number() {
        let list = "root:x:0:0:root:/root:/bin/bash\n# a comment\n:x:3:3::/:\nana:x:1000:1000:Ana,,,:/home/ana:/bin/sh\n";
        assert_eq!(listed(list, 1000).as_deref(), Some("ana"));
        assert_eq!(listed(list, 0).as_deref(), Some("root"));
        assert_eq!(listed(list, 3), None);
        assert_eq!(name_of(0).as_deref(), Some("root"));
        assert_eq!(name_of(3_999_999_999), None);
    }
}
