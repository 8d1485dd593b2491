//! How many may come in: connections of each user, and requests of each key.

use crate::errand::{ErrandError, Reason};
use core::hash::Hash;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts who is inside. Clones share it.
#[derive(Debug)]
pub(super) struct Door<K> {
    inside: Arc<Mutex<HashMap<K, usize>>>,
    most: usize,
}

impl<K> Clone for Door<K> {
    fn clone(&self) -> Self {
        Self { inside: Arc::clone(&self.inside), most: self.most }
    }
}

impl<K: Eq + Hash + Copy> Door<K> {
    /// Lets in so many of each.
    pub(super) fn new(most: usize) -> Self {
        Self { inside: Arc::default(), most }
    }

    /// Lets one more in, until it is dropped.
    pub(super) fn enter(&self, who: K) -> Result<Inside<K>, ErrandError> {
        let mut inside = locked(&self.inside);
        let count = inside.entry(who).or_default();
        if *count >= self.most {
            let message = format!("more than {} requests at the same time; wait for some to end", self.most);
            return Err(ErrandError::new(Reason::TooMany, message));
        }
        *count += 1;
        Ok(Inside { door: self.clone(), who })
    }
}

/// One who is inside.
#[derive(Debug)]
pub(super) struct Inside<K: Eq + Hash + Copy> {
    door: Door<K>,
    who: K,
}

impl<K: Eq + Hash + Copy> Drop for Inside<K> {
    fn drop(&mut self) {
        let mut inside = locked(&self.door.inside);
        if let Some(count) = inside.get_mut(&self.who) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                inside.remove(&self.who);
            }
        }
    }
}

fn locked<K>(inside: &Mutex<HashMap<K, usize>>) -> MutexGuard<'_, HashMap<K, usize>> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_makes_room_for_the_next() {
        let door = Door::new(2);
        let (one, two) = (door.enter(1).unwrap(), door.enter(1).unwrap());
        assert_eq!(door.enter(1).unwrap_err().reason, Reason::TooMany);
        let _other = door.enter(2).unwrap();
        drop(one);
        let three = door.enter(1).unwrap();
        assert!(door.enter(1).is_err());
        drop((two, three));
        assert_eq!(door.inside.lock().unwrap().len(), 1, "nothing is kept of who has left");
    }
}
