//! The people in SQLite: read as a whole, written where something was touched.

use std::path::Path;

use rusqlite::types::Type;
use rusqlite::{Connection, Row as SqlRow, params};
use stead_core::Time;
use stead_core::people::{Change, Edit, Grant, Group, Kind, Register, Skill, Touched, User, fold};

use super::error::At;
use super::read::bound;
use super::tx::Tx;
use super::{SqliteReader, SqliteStore};
use crate::StoreError;
use crate::fault::{Point, cross};
use crate::people::{People, PeopleReader};

fn version(conn: &Connection) -> rusqlite::Result<u64> {
    conn.prepare_cached("SELECT coalesce(max(id), 0) FROM people_changes")?.query_row([], |row| row.get(0))
}

fn changes(conn: &Connection, skip: usize, limit: usize) -> rusqlite::Result<Vec<Change>> {
    let sql = "SELECT at, who, what, subject, detail FROM people_changes ORDER BY id DESC LIMIT ?1 OFFSET ?2";
    let read = |row: &SqlRow<'_>| {
        Ok(Change {
            at: row.get(0)?,
            by: row.get(1)?,
            what: row.get(2)?,
            subject: row.get(3)?,
            detail: row.get(4)?,
        })
    };
    conn.prepare_cached(sql)?.query_map(params![bound(limit), bound(skip)], read)?.collect()
}

/// The rows of a table, each taken in hand.
fn each(
    conn: &Connection,
    sql: &str,
    mut take: impl FnMut(&SqlRow<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(row)?;
    }
    Ok(())
}

fn user_of(row: &SqlRow<'_>) -> rusqlite::Result<User> {
    let word = row.get_ref(3)?.as_str()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == word);
    let strange = || rusqlite::Error::InvalidColumnType(3, word.to_owned(), Type::Text);
    let removed_at: Option<Time> = row.get(6)?;
    let removed_by: Option<String> = row.get(7)?;
    Ok(User {
        name: row.get(1)?,
        display: row.get(2)?,
        email: row.get(8)?,
        kind: kind.ok_or_else(strange)?,
        aliases: Default::default(),
        roles: Default::default(),
        skills: Default::default(),
        created_at: row.get(4)?,
        created_by: row.get(5)?,
        removed: removed_at.map(|at| (at, removed_by.unwrap_or_default())),
    })
}

fn load(conn: &Connection) -> rusqlite::Result<Register> {
    let mut users = std::collections::BTreeMap::<u32, User>::new();
    let mut groups = std::collections::BTreeMap::<u32, Group>::new();
    let sql =
        "SELECT id, name, display, kind, created_at, created_by, removed_at, removed_by, email FROM people";
    each(conn, sql, |row| {
        users.insert(row.get(0)?, user_of(row)?);
        Ok(())
    })?;
    each(conn, "SELECT person, name FROM people_names", |row| {
        let name: String = row.get(1)?;
        if let Some(user) = users.get_mut(&row.get(0)?).filter(|user| user.name != name) {
            user.aliases.insert(name);
        }
        Ok(())
    })?;
    each(conn, "SELECT person, skill, level FROM people_skills", |row| {
        let skill = Skill { name: row.get(1)?, level: row.get(2)? };
        if let Some(user) = users.get_mut(&row.get(0)?) {
            user.skills.insert(skill);
        }
        Ok(())
    })?;
    each(conn, "SELECT id, name, created_at, created_by FROM people_groups", |row| {
        let group = Group {
            name: row.get(1)?,
            members: Default::default(),
            roles: Default::default(),
            created_at: row.get(2)?,
            created_by: row.get(3)?,
        };
        groups.insert(row.get(0)?, group);
        Ok(())
    })?;
    each(conn, "SELECT team, person FROM people_members", |row| {
        if let Some(group) = groups.get_mut(&row.get(0)?) {
            group.members.insert(row.get(1)?);
        }
        Ok(())
    })?;
    each(conn, "SELECT person, team, role, project FROM people_roles", |row| {
        let (person, team): (Option<u32>, Option<u32>) = (row.get(0)?, row.get(1)?);
        let grant = Grant { role: row.get(2)?, project: row.get(3)? };
        let user = person.and_then(|number| users.get_mut(&number)).map(|user| &mut user.roles);
        let group = team.and_then(|number| groups.get_mut(&number)).map(|group| &mut group.roles);
        if let Some(roles) = user.or(group) {
            roles.insert(grant);
        }
        Ok(())
    })?;
    let mut register = Register::default();
    users.into_iter().for_each(|(number, user)| register.put_user(number, user));
    groups.into_iter().for_each(|(number, group)| register.put_group(number, group));
    Ok(register)
}

/// All tables at one moment, which several statements would not see by themselves.
fn load_at_once(conn: &Connection, path: &Path) -> Result<Register, StoreError> {
    let tx = Tx::read(conn).at(path)?;
    let register = load(conn).at(path)?;
    tx.commit().at(path)?;
    Ok(register)
}

macro_rules! people_reader {
    ($($store:ty),+) => {
        $(impl PeopleReader for $store {
            fn people_version(&mut self) -> Result<u64, StoreError> {
                version(&self.conn).at(&self.path)
            }

            fn people(&mut self) -> Result<Register, StoreError> {
                load_at_once(&self.conn, &self.path)
            }

            fn people_changes(&mut self, skip: usize, limit: usize) -> Result<Vec<Change>, StoreError> {
                changes(&self.conn, skip, limit).at(&self.path)
            }
        })+
    };
}

people_reader!(SqliteStore, SqliteReader);

impl People for SqliteStore {
    fn edit_people(&mut self, edits: &[Edit], at: Time, by: &str) -> Result<Vec<Change>, StoreError> {
        let faults = self.faults.as_ref();
        let tx = Tx::write(&self.conn).at(&self.path)?;
        let mut register = load(&self.conn).at(&self.path)?;
        let (touched, changes) = register.edit(edits, at, by)?;
        write(&self.conn, &register, &touched).at(&self.path)?;
        let sql = "INSERT INTO people_changes (at, who, what, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
        let gone = touched.users.iter().filter_map(|number| register.user_at(*number));
        for user in gone.filter(|user| user.removed.is_some()) {
            super::access::end_all(&self.conn, &user.id(), at, by).at(&self.path)?;
        }
        for change in &changes {
            run(&self.conn, sql, params![change.at, change.by, change.what, change.subject, change.detail])
                .at(&self.path)?;
        }
        cross(faults, Point::BeforeCommit)?;
        tx.commit().at(&self.path)?;
        cross(faults, Point::AfterCommit)?;
        Ok(changes)
    }
}

fn run(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> rusqlite::Result<()> {
    conn.prepare_cached(sql)?.execute(params).map(drop)
}

/// Writes what was touched, each as it is now.
fn write(conn: &Connection, register: &Register, touched: &Touched) -> rusqlite::Result<()> {
    // First all that goes: a name may have gone from one to another.
    for number in &touched.users {
        run(conn, "DELETE FROM people_names WHERE person = ?1", [number])?;
        run(conn, "DELETE FROM people_roles WHERE person = ?1", [number])?;
        run(conn, "DELETE FROM people_skills WHERE person = ?1", [number])?;
    }
    for number in &touched.groups {
        run(conn, "DELETE FROM people_groups WHERE id = ?1", [number])?;
        run(conn, "DELETE FROM people_members WHERE team = ?1", [number])?;
        run(conn, "DELETE FROM people_roles WHERE team = ?1", [number])?;
    }
    let grant = "INSERT INTO people_roles (person, team, role, project) VALUES (?1, ?2, ?3, ?4)";
    for (number, user) in touched.users.iter().filter_map(|number| Some((number, register.user_at(*number)?)))
    {
        let (removed_at, removed_by) = user.removed.clone().unzip();
        let sql = "INSERT OR REPLACE INTO people VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let (name, kind) = (&user.name, user.kind.as_str());
        let row = params![
            number,
            name,
            user.display,
            kind,
            user.created_at,
            user.created_by,
            removed_at,
            removed_by,
            user.email
        ];
        run(conn, sql, row)?;
        for name in user.aliases.iter().chain([&user.name]) {
            run(conn, "INSERT INTO people_names VALUES (?1, ?2, ?3)", params![fold(name), name, number])?;
        }
        for own in &user.roles {
            run(conn, grant, params![number, None::<u32>, own.role, own.project])?;
        }
        for skill in &user.skills {
            run(
                conn,
                "INSERT INTO people_skills VALUES (?1, ?2, ?3)",
                params![number, skill.name, skill.level],
            )?;
        }
    }
    for (number, group) in
        touched.groups.iter().filter_map(|number| Some((number, register.group_at(*number)?)))
    {
        let sql = "INSERT INTO people_groups VALUES (?1, ?2, ?3, ?4, ?5)";
        let row = params![number, group.name, fold(&group.name), group.created_at, group.created_by];
        run(conn, sql, row)?;
        for member in &group.members {
            run(conn, "INSERT INTO people_members VALUES (?1, ?2)", params![number, member])?;
        }
        for own in &group.roles {
            run(conn, grant, params![None::<u32>, number, own.role, own.project])?;
        }
    }
    Ok(())
}
