//! The disk is full, or broken: a write or a sync fails.

use super::disk::{Disk, Entry};
use super::script::Script;
use crate::error::StoreErrorKind;

#[tokio::test]
async fn l6_once_a_write_has_failed_nothing_is_promised_and_nothing_is_lost() {
    let (whole, script) = (Disk::default(), Script::random(60));
    script.play(&whole).await.unwrap();
    let writes = whole.log().iter().filter(|entry| !matches!(entry, Entry::Told(_))).count();
    let mut failed = 0;
    for room in 0..writes {
        let disk = Disk::default();
        disk.set_room(Some(room));
        let played = script.play(&disk).await;
        let log = disk.log();
        let answered = log.iter().rev().find_map(|entry| match entry {
            Entry::Told(answered) => Some(*answered),
            _ => None,
        });
        if let Err(error) = played {
            assert_eq!(error.kind(), StoreErrorKind::Failed, "{error:?}");
            failed += 1;
        }
        // Before the first answer the file may be half made; then it has no name yet.
        if let Some(answered) = answered {
            script.audit(disk.image(), answered);
        }
    }
    assert!(failed > writes / 2, "{failed} of {writes}");
}
