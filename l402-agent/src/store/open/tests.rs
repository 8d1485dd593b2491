//! Tests of the database file.

use super::*;
use std::fs;
use std::os::unix::fs::MetadataExt;

fn folder() -> (tempfile::TempDir, PrivateDir) {
    let home = tempfile::tempdir().unwrap();
    let folder = PrivateDir::open(home.path().join("data")).unwrap();
    (home, folder)
}

fn count(database: &Database) -> Result<i64, DatabaseError> {
    database.read(|tx| tx.query_row("SELECT count(*) FROM payments WHERE wallet <> ''", [], |row| row.get(0)))
}

fn fill(database: &Database, from: u32) {
    let add = "INSERT INTO payments (payment_hash, amount_msat, wallet, origin, method, path, scheme, token, begun_at, outcome) \
               VALUES (?1, 1, 'w', 'o', 'm', 'p', 's', ?2, 1, 'paid')";
    let text = "t".repeat(500);
    let all = (from..from + 100).map(|number| number.to_string());
    database.write(|tx| all.into_iter().try_for_each(|id| tx.execute(add, [&id, &text]).map(drop))).unwrap();
}

#[test]
fn only_the_owner_can_read_it_and_its_log() {
    let (_home, folder) = folder();
    let database = Database::open(&folder).unwrap();
    fill(&database, 0);
    for name in [FILE, LOGS[0], "store.sqlite-shm", LOCK] {
        assert_eq!(fs::metadata(folder.path(name)).unwrap().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(folder.path("")).unwrap().mode() & 0o777, 0o700);
    assert_eq!(folder.names().unwrap().iter().filter(|name| name.contains("new")).count(), 0);
}

#[test]
fn every_commit_is_flushed() {
    let (_home, folder) = folder();
    let database = Database::open(&folder).unwrap();
    let pragma = |name: &str| -> (i64, String) {
        let connection = database.connection();
        let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        (connection.pragma_query_value(None, name, |row| row.get(0)).unwrap(), mode)
    };
    assert_eq!(pragma("synchronous"), (2, "wal".to_owned()), "2 is FULL");
    assert_eq!(pragma("secure_delete").0, 1);
}

fn journal_mode(connection: &Connection) -> String {
    connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap()
}

/// A patch of the workspace brings the newer SQLite; a build of this crate from a registry may have another.
#[test]
fn sqlite_is_one_whose_write_ahead_log_is_sound() {
    println!("SQLite {} ({})", rusqlite::version(), rusqlite::version_number());
    let in_workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sqlite/Cargo.toml").exists();
    assert!(!in_workspace || rusqlite::version_number() >= WAL_IS_SOUND, "the patch of libsqlite3-sys is not in use");
}

#[test]
fn an_older_sqlite_gets_no_write_ahead_log() {
    let (_home, folder) = folder();
    let database = Database::open(&folder).unwrap();
    fill(&database, 0);
    drop(database);
    let connection = connect(&folder.path(FILE)).unwrap();
    for (version, mode) in [(3_051_002, "truncate"), (3_045_000, "truncate"), (WAL_IS_SOUND, "wal")] {
        set_journal(&connection, version).unwrap();
        assert_eq!(journal_mode(&connection), mode, "{version}");
        let rows: i64 = connection.query_row("SELECT count(*) FROM payments", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 100, "{version}");
    }
}

#[test]
fn a_database_in_use_keeps_a_log_that_is_sound() {
    let (_home, folder) = folder();
    drop(Database::open(&folder).unwrap());
    let old = connect(&folder.path(FILE)).unwrap();
    set_journal(&old, 3_045_000).unwrap();
    let new = connect(&folder.path(FILE)).unwrap();
    old.execute_batch("BEGIN IMMEDIATE").unwrap();
    set_journal(&new, WAL_IS_SOUND).unwrap(); // it does not wait
    old.execute_batch("COMMIT").unwrap();
    assert_eq!(journal_mode(&old), "truncate");
    assert_ne!(journal_mode(&new), "wal");
}

#[test]
fn what_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let (_home, folder) = folder();
    drop(Database::open(&folder).unwrap());
    fs::set_permissions(folder.path(FILE), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(Database::open(&folder), Err(DatabaseError::File(_))));
}

/// Makes the database that version 8 of the format made.
fn version_8(folder: &PrivateDir) -> Connection {
    let path = folder.create(FILE).map(|_| folder.path(FILE)).unwrap();
    let connection = connect(&path).unwrap();
    for tables in [TABLES, budget::TABLES, budget::NEXT_TABLES] {
        connection.execute_batch(tables).unwrap();
    }
    connection.pragma_update(None, "application_id", APPLICATION).unwrap();
    connection.pragma_update(None, "user_version", BEFORE_ADDED).unwrap();
    connection
}

/// Returns what the database consists of.
fn schema(database: &Database) -> Vec<(String, Option<String>)> {
    let all = "SELECT name, sql FROM sqlite_schema ORDER BY name";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    database.read(|tx| tx.prepare(all)?.query_map([], read)?.collect()).unwrap()
}

#[test]
fn version_8_gets_what_was_added() {
    let ((_home, old), (_other, new)) = (folder(), folder());
    let before = version_8(&old);
    before
        .execute_batch(
            "INSERT INTO tokens VALUES (1, 'h', x'00', 1, 1, 'o', 'm', 'p', 's', 't', 1, 'new', 7);
             INSERT INTO tokens VALUES (2, 'i', x'00', 1, 1, 'o', 'm', 'p', 's', 't', 1, 'new', NULL);
             INSERT INTO budgets (id, name, parent, standing, made_at) VALUES (2, 'b', 1, 'active', 0);
             INSERT INTO entries VALUES ('h', 2, x'00', 'o', '', 'proven', 1, 1);",
        )
        .unwrap();
    drop(before);
    for _ in 0..2 {
        let database = Database::open(&old).unwrap();
        assert_eq!(format(&database.connection()).unwrap(), (APPLICATION, VERSION));
        assert_eq!(schema(&database), schema(&Database::open(&new).unwrap()));
        let budgets = "SELECT group_concat(budget) FROM (SELECT budget FROM tokens ORDER BY id)";
        let budgets: String = database.read(|tx| tx.query_row(budgets, [], |row| row.get(0))).unwrap();
        assert_eq!(budgets, "2,1", "a token belongs to the budget that paid, else to the first");
    }
}

#[test]
fn version_2_gets_what_it_lacks_and_loses_nothing() {
    let (_home, folder) = folder();
    let old = version_8(&folder);
    old.execute_batch(
        "WITH RECURSIVE all_ids (id) AS (SELECT 0 UNION SELECT id + 1 FROM all_ids WHERE id < 99)
             INSERT INTO payments SELECT id, 1, 'w', 'o', 'm', 'p', 's', 't', 1, NULL, NULL, NULL, 'paid', 0, 0 FROM all_ids;
         INSERT INTO tokens VALUES (1, 'h', x'00', 1, 1, 'o', 'm', 'p', 's', 't', 1, 'new', 7);
         ALTER TABLE payments DROP COLUMN is_repeated; ALTER TABLE tokens DROP COLUMN standing;
         ALTER TABLE tokens DROP COLUMN uses_left; DROP TABLE attempts;
         DROP TABLE accounts; DROP TABLE entries; DROP TABLE budgets; DROP TABLE clock; DROP TABLE events;
         DROP TABLE stopped_wallets;
         PRAGMA user_version = 2;",
    )
    .unwrap();
    drop(old);
    for _ in 0..2 {
        let database = Database::open(&folder).unwrap();
        assert_eq!(format(&database.connection()).unwrap(), (APPLICATION, VERSION));
        assert_eq!(count(&database).unwrap(), 100);
        let repeated = "SELECT count(*) FROM payments WHERE is_repeated <> 0";
        assert_eq!(database.read(|tx| tx.query_row(repeated, [], |row| row.get::<_, i64>(0))).unwrap(), 0);
        let standing = "SELECT standing FROM tokens WHERE payment_hash = 'h'";
        let standing = database.read(|tx| tx.query_row(standing, [], |row| row.get::<_, String>(0))).unwrap();
        assert_eq!(standing, "served", "nothing else is known");
        let booked = "SELECT booked_msat, reserved_msat FROM accounts WHERE budget = 1 AND origin = ''";
        let booked = database.read(|tx| tx.query_row(booked, [], |row| Ok((row.get(0)?, row.get(1)?)))).unwrap();
        assert_eq!(booked, (100, 0), "what was paid counts in the first budget, once");
        let counted = "SELECT count(*) FROM tokens WHERE uses_left IS NOT NULL";
        assert_eq!(database.read(|tx| tx.query_row(counted, [], |row| row.get::<_, i64>(0))).unwrap(), 0);
        let lost = "SELECT count(*) FROM attempts";
        assert_eq!(database.read(|tx| tx.query_row(lost, [], |row| row.get::<_, i64>(0))).unwrap(), 0);
    }
}

#[test]
fn a_later_version_is_refused_and_not_called_damaged() {
    let (_home, folder) = folder();
    let database = Database::open(&folder).unwrap();
    database.connection().pragma_update(None, "user_version", VERSION + 1).unwrap();
    drop(database);
    let before = fs::read(folder.path(FILE)).unwrap();
    let fault = Database::open(&folder).unwrap_err();
    assert!(matches!(fault, DatabaseError::Version { version, .. } if version == VERSION + 1), "{fault}");
    assert_eq!(fs::read(folder.path(FILE)).unwrap(), before);
}

#[test]
fn a_damaged_file_is_said_and_left_alone() {
    let (home, _) = folder();
    let other = home.path().join("other");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE other (x)").unwrap();
    let other = fs::read(other).unwrap();
    for damage in [vec![], b"{".to_vec(), vec![0; 8192], other] {
        let (_home, folder) = folder();
        drop(Database::open(&folder).unwrap());
        fs::write(folder.path(FILE), &damage).unwrap();
        let fault = Database::open(&folder).unwrap_err();
        assert!(matches!(fault, DatabaseError::Damaged { .. }), "{fault:?}");
        assert_eq!(fs::read(folder.path(FILE)).unwrap(), damage);
    }
}

#[test]
fn a_damaged_page_is_said() {
    let (_home, folder) = folder();
    let database = Database::open(&folder).unwrap();
    fill(&database, 0);
    drop(database);
    let mut bytes = fs::read(folder.path(FILE)).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(folder.path(FILE), &bytes).unwrap();
    let fault = Database::open(&folder).and_then(|database| count(&database)).unwrap_err();
    assert!(matches!(fault, DatabaseError::Damaged { .. }), "{fault:?}");
    assert_eq!(fs::read(folder.path(FILE)).unwrap(), bytes);
}

#[test]
fn a_log_without_its_database_is_not_given_to_another() {
    let (_home, folder) = folder();
    let database = Database::open(&folder).unwrap();
    fill(&database, 0);
    fs::rename(folder.path(FILE), folder.path("away")).unwrap();
    assert!(matches!(Database::open(&folder), Err(DatabaseError::Orphan { .. })));
    fs::rename(folder.path("away"), folder.path(FILE)).unwrap();
    assert_eq!(count(&Database::open(&folder).unwrap()).unwrap(), 100);

    fs::remove_file(folder.path(FILE)).unwrap();
    folder.create(LOGS[1]).unwrap();
    fs::write(folder.path(LOGS[1]), "the log of an older SQLite").unwrap();
    assert!(matches!(Database::open(&folder), Err(DatabaseError::Orphan { .. })));
}

#[test]
fn a_crash_while_it_is_made_leaves_none() {
    let (_home, folder) = folder();
    folder.create(UNFINISHED).unwrap();
    fs::write(folder.path(UNFINISHED), "half").unwrap();
    fs::write(folder.path(UNFINISHED_LOGS[0]), "half").unwrap();
    assert_eq!(count(&Database::open(&folder).unwrap()).unwrap(), 0);
    assert!(!folder.path(UNFINISHED).exists());
}

#[test]
fn many_may_open_and_write_it_at_once() {
    let (_home, folder) = folder();
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let folder = &folder;
            scope.spawn(move || fill(&Database::open(folder).unwrap(), writer * 100));
        }
    });
    assert_eq!(count(&Database::open(&folder).unwrap()).unwrap(), 800);
}
