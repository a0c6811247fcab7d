//! `GET /v1/arrivals`: what came lately, so that whoever connects a provider sees it arrive.

use relay::activity::is_app_token;
use relay::arrival::{Arrivals, Whose, Window};
use relay::callback::query;
use relay::control::{Item, Key};
use relay::fault::{Fault, FaultKind};
use relay::http::{Request, Response};
use relay::owner::FormerClaim;
use relay::period::{rfc3339, rfc3339_millis};
use relay::port::ControlTable;
use relay::problem::FieldError;
use relay::tenancy;
use serde_json::json;

use super::{Api, Call, Ports, Refusal, problem};

/// The parameter that asks for one app.
const APP_TOKEN: &str = "app_token";

impl<W: Ports> Api<W> {
    pub(super) async fn arrivals(&self, call: &Call<'_>, owner: &str) -> Result<Response, Refusal> {
        let tokens = self.tokens(call.request, owner).await?;
        let counted = tokens.iter().map(|token| Whose::App(token.clone()).key());
        let claimed = tokens.iter().map(|token| FormerClaim::key(token));
        let keys: Vec<Key> = counted.chain(claimed).chain([Whose::Owner(owner.to_owned()).key()]).collect();
        let mut items = self.control.get(&keys).await.into_iter();
        let mut next = || items.next().unwrap_or_else(unanswered);
        let counted = tokens.iter().map(|_| next()).collect::<Result<Vec<_>, _>>()?;
        let claimed = tokens.iter().map(|_| next()).collect::<Result<Vec<_>, _>>()?;
        let mut window = Window { now: call.now, received_since: 0 };
        let quarantined = Arrivals::read(next()?.as_ref())?.view("reason", window);
        let mut apps = Vec::with_capacity(tokens.len());
        for ((token, counted), claimed) in tokens.iter().zip(&counted).zip(&claimed) {
            let former = claimed.as_ref().map(Item::read::<FormerClaim>).transpose()?;
            window.received_since = former.map_or(0, |former| former.received_since(owner));
            let arrivals = Arrivals::read(counted.as_ref())?.view("kind", window);
            apps.push(json!({"app_token": token, "arrivals": arrivals}));
        }
        let body = json!({
            "as_of": rfc3339_millis(call.now),
            "since": rfc3339(window.start()),
            "window_hours": 24,
            "apps": apps,
            "quarantined": quarantined,
        });
        Ok(Response::json(200, &body))
    }

    /// The owner's apps, or the one that is asked for.
    async fn tokens(&self, request: &Request, owner: &str) -> Result<Vec<String>, Refusal> {
        let Some(token) = query::value(&request.query, APP_TOKEN) else {
            let apps = tenancy::apps(&self.control, owner).await?;
            return Ok(apps.into_iter().map(|app| app.app_token).collect());
        };
        if !is_app_token(&token) {
            let detail = "an app token has 1 to 64 letters, digits, dots, underscores and hyphens".to_owned();
            return Err(problem::invalid(vec![FieldError { field: APP_TOKEN.to_owned(), detail }]).into());
        }
        match tenancy::app(&self.control, &token).await? {
            Some(app) if app.owner == owner => Ok(vec![token]),
            Some(_) | None => Err(problem::foreign_app(&token).into()),
        }
    }
}

fn unanswered() -> Result<Option<Item>, Fault> {
    Err(Fault::new(FaultKind::Unavailable, "control:Get", "no result for the key"))
}
