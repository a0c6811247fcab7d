//! Keys: looked up once in a while, known and unknown ones, and forgotten in time.

use relay::fault::FaultKind;

use super::*;

const PATH: &str = "/v1/callbacks/adjust";
const INSTALL: &str = "key=relay_ingest_1&activity_kind=install&app_token=app&created_at=1699999999&adid=a";

/// How long a door believes what it has read: milliseconds.
const BELIEVED: i64 = 5_000;

fn install(key: &str) -> Request {
    request("GET", PATH, &INSTALL.replace(INGEST_KEY, key))
}

impl Door {
    /// From here on every look-up fails: what is answered otherwise than 503 was remembered.
    fn break_table(&self) {
        self.control().script.refuse("get", 100_000, FaultKind::Unavailable);
    }

    async fn status(&self, key: &str, now: i64) -> u16 {
        self.answer_at(&install(key), now).await.status
    }
}

#[tokio::test]
async fn a_known_key_is_looked_up_once_in_a_while() {
    let door = Door::open().await;
    assert_eq!(door.status(INGEST_KEY, NOW).await, 200);
    door.break_table();
    assert_eq!(door.status(INGEST_KEY, NOW + BELIEVED - 1).await, 200);
    assert_eq!(door.status(INGEST_KEY, NOW + BELIEVED).await, 503);
}

#[tokio::test]
async fn an_unknown_key_is_looked_up_once_in_a_while_too() {
    let door = Door::open().await;
    assert_eq!(door.status("nobodys", NOW).await, 401);
    door.break_table();
    assert_eq!(door.status("nobodys", NOW + BELIEVED - 1).await, 401);
    assert_eq!(door.status("nobodys", NOW + BELIEVED).await, 503, "not 401: it may have been made since");
    assert_eq!(door.status("another", NOW).await, 503);
}

#[tokio::test]
async fn a_fault_is_remembered_for_neither() {
    let door = Door::open().await;
    door.control().script.refuse("get", 2, FaultKind::Throttled);
    for key in [INGEST_KEY, "nobodys"] {
        assert_eq!(door.status(key, NOW).await, 503, "{key}");
    }
    assert_eq!((door.status(INGEST_KEY, NOW).await, door.status("nobodys", NOW).await), (200, 401));
}

#[tokio::test]
async fn a_revoked_key_is_refused_in_time_however_busy_it_is() {
    let door = Door::open().await;
    assert_eq!(door.status(INGEST_KEY, NOW).await, 200);
    let revoked = Write::Delete { key: KeyRecord::key(&owner::secret_hash(INGEST_KEY)), expect: Expect::Any };
    door.control().commit(&[revoked]).await.unwrap();
    for later in (0..BELIEVED).step_by(100) {
        assert_eq!(door.status(INGEST_KEY, NOW + later).await, 200);
    }
    for later in [BELIEVED, BELIEVED + 1, 60_000] {
        assert_eq!(door.status(INGEST_KEY, NOW + later).await, 401, "{later} ms later");
    }
}

#[tokio::test]
async fn a_new_key_works_at_once_and_one_that_was_tried_before_within_seconds() {
    let door = Door::open().await;
    assert_eq!(door.status("tried", NOW).await, 401);
    for secret in ["tried", "new"] {
        let record = KeyRecord::of(secret, "demo", Role::Ingest, NOW);
        door.put(KeyRecord::key(&record.sha256), &record).await;
    }
    assert_eq!(door.status("new", NOW + 1).await, 200);
    assert_eq!(door.status("tried", NOW + BELIEVED).await, 200);
}

#[tokio::test]
async fn whoever_tries_very_many_keys_pushes_no_good_one_out() {
    let door = Door::open().await;
    assert_eq!(door.status(INGEST_KEY, NOW).await, 200);
    for number in 0..10_001 {
        let tried = door.app.tenants.key(&format!("tried-{number}"), NOW).await;
        assert_eq!(tried, Ok(None));
    }
    door.break_table();
    assert_eq!(door.status(INGEST_KEY, NOW).await, 200);
}
