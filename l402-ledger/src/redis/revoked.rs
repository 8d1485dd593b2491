//! The deny-list: [what](Revoked::key) is denied, and until when.

use super::RedisStore;
use super::error::unread;
use crate::error::{StoreError, StoreErrorKind};
use crate::revoke::{Revocation, Revocations, Revoked};
use l402_core::UnixSeconds;
use redis::{Value, from_redis_value};

impl RedisStore {
    pub(super) async fn put_on_the_list(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let script = &self.scripts.revoke;
        let command = script.command(&[self.keys.revoked()], |command| {
            command.arg(revocation.what.key()).arg(revocation.until.get().min(super::wire::LATEST));
        });
        self.link.run(script, &command).await.map(drop)
    }

    pub(super) async fn list(&self, seen: Option<u64>) -> Result<Option<Revocations>, StoreError> {
        let script = &self.scripts.revocations;
        let command = script.command(&[self.keys.revoked()], |command| {
            command.arg(seen.map(|seen| seen.to_string()).unwrap_or_default());
        });
        read(self.link.run(script, &command).await?)
    }

    pub(super) async fn take_off_the_list(&self) -> Result<(), StoreError> {
        let script = &self.scripts.forget_revoked;
        let command = script.command(&[self.keys.revoked()], |_| ());
        self.link.run(script, &command).await.map(drop)
    }
}

fn read(value: Value) -> Result<Option<Revocations>, StoreError> {
    let Some(fields) = from_redis_value::<Option<Vec<(Vec<u8>, u64)>>>(value).map_err(unread)? else {
        return Ok(None);
    };
    let mut list = Revocations { version: 0, entries: Vec::with_capacity(fields.len()) };
    for (field, number) in fields {
        if field == b"version" {
            list.version = number;
            continue;
        }
        let what = Revoked::of_key(&field).ok_or_else(|| StoreError::new(StoreErrorKind::Damaged))?;
        list.entries.push(Revocation { what, until: UnixSeconds::new(number) });
    }
    Ok(Some(list))
}
