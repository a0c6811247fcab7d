//! An owner's webhook: set with a new secret, shown without it, removed.

use relay::audit::{Action, Actor};
use relay::control::{Expect, Write};
use relay::port::ControlTable;
use relay::tenancy;
use relay::webhook::{Webhook, new_secret};

use super::{Refusal, known_owner, unexpected};
use crate::view::{NewWebhookView, RemovedWebhookView, WebhookView};

/// Registers an address with a secret of these random bits, in place of one that is there.
pub(crate) async fn set_webhook(
    control: &impl ControlTable,
    owner: &str,
    url: &str,
    random: [u8; 32],
    actor: &Actor,
) -> Result<NewWebhookView, Refusal> {
    known_owner(control, owner).await?;
    let webhook = Webhook { url: url.to_owned(), secret: new_secret(random), created_at: actor.at };
    let record = actor.did(Action::WebhookSet, owner, host(url));
    let put = Write::put(Webhook::key(owner), &webhook, Expect::Any)?;
    control.commit(&[put, record.write()?]).await.map_err(unexpected)?;
    let shown = WebhookView::new(owner, &webhook);
    Ok(NewWebhookView { shown, secret: webhook.secret })
}

/// The webhook, without its secret.
pub(crate) async fn show_webhook(control: &impl ControlTable, owner: &str) -> Result<WebhookView, Refusal> {
    known_owner(control, owner).await?;
    let found = tenancy::find::<Webhook>(control, Webhook::key(owner)).await?;
    found.map(|(webhook, _)| WebhookView::new(owner, &webhook)).ok_or_else(|| none(owner))
}

/// Removes the webhook.
pub(crate) async fn remove_webhook(
    control: &impl ControlTable,
    owner: &str,
    actor: &Actor,
) -> Result<RemovedWebhookView, Refusal> {
    let WebhookView { owner, url, .. } = show_webhook(control, owner).await?;
    let remove = Write::Delete { key: Webhook::key(&owner), expect: Expect::Any };
    let record = actor.did(Action::WebhookRemoved, &owner, host(&url));
    control.commit(&[remove, record.write()?]).await.map_err(unexpected)?;
    Ok(RemovedWebhookView { owner, url, removed: true })
}

/// What a record tells of an address: its path and query may be a secret.
fn host(url: &str) -> &str {
    let behind_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = behind_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn none(owner: &str) -> Refusal {
    Refusal::other(format!("owner `{owner}` has no webhook; `relayctl webhook set {owner} https://…` registers one"))
}

#[cfg(test)]
mod tests {
    use relay::port::memory::MemoryControl;

    use super::super::add_owner;
    use super::super::tests::by;
    use super::*;

    #[test]
    fn a_record_tells_the_host_alone() {
        for url in [
            "https://example.com:8443/hook/5ecret?key=5ecret",
            "https://5ecret@example.com:8443",
            "https://example.com:8443?5ecret",
        ] {
            assert_eq!(host(url), "example.com:8443", "{url}");
        }
    }

    #[tokio::test]
    async fn a_webhook_is_set_shown_without_its_secret_replaced_and_removed() {
        let control = MemoryControl::default();
        let unknown = set_webhook(&control, "demo", "https://example.com/", [7; 32], &by(1)).await.unwrap_err();
        assert!(unknown.to_string().starts_with("owner `demo` does not exist"), "{unknown}");
        add_owner(&control, "demo", 90, &by(1)).await.unwrap();
        let none = show_webhook(&control, "demo").await.unwrap_err().to_string();
        assert_eq!(none, "owner `demo` has no webhook; `relayctl webhook set demo https://…` registers one");

        let set = set_webhook(&control, "demo", "https://example.com/a", [7; 32], &by(1)).await.unwrap();
        assert!(set.secret.starts_with("whsec_"));
        let again = set_webhook(&control, "demo", "https://example.com/b", [8; 32], &by(2)).await.unwrap();
        assert_ne!(again.secret, set.secret);
        let shown = show_webhook(&control, "demo").await.unwrap();
        assert_eq!((shown.url.as_str(), shown.created_at), ("https://example.com/b", 2));
        let stored = tenancy::find::<Webhook>(&control, Webhook::key("demo")).await.unwrap().unwrap().0;
        assert_eq!(stored.secret, again.secret);

        assert!(remove_webhook(&control, "demo", &by(3)).await.unwrap().removed);
        assert!(remove_webhook(&control, "demo", &by(4)).await.is_err());
    }
}
