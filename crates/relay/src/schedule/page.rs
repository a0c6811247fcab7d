//! The pages on which an address leaves a recurring export: text and one button, no style, no script, nothing remote.

use super::Subscription;
use crate::language::Language;
use crate::notice::escape;

/// Asks whether to leave; the button sends a `POST` to the page's own address.
#[must_use]
pub fn question(subscription: &Subscription) -> String {
    let Subscription { email, app_token, language, .. } = subscription;
    let (title, text, button) = match language {
        Language::En => (
            "No more of these mails?",
            format!("Files of {app_token} are mailed to {email} again and again."),
            "Unsubscribe this address",
        ),
        Language::Ko => (
            "이 메일을 그만 받으시겠습니까?",
            format!("{app_token} 파일을 {email} 주소로 정기적으로 보내고 있습니다."),
            "이 주소의 수신 거부",
        ),
    };
    let form = format!("<form method=\"post\"><button type=\"submit\">{}</button></form>", escape(button));
    page(*language, title, &text, &form)
}

/// Says that the address has left.
#[must_use]
pub fn gone(subscription: &Subscription) -> String {
    let Subscription { email, app_token, language, .. } = subscription;
    let (title, text) = match language {
        Language::En => (
            "Unsubscribed",
            format!(
                "No further run of this recurring export of {app_token} is mailed to {email}. A file under way may still be."
            ),
        ),
        Language::Ko => (
            "수신 거부되었습니다",
            format!(
                "{app_token} 정기 내보내기의 다음 파일부터는 {email} 주소로 메일을 보내지 않습니다. 이미 만들고 있는 파일의 메일은 한 번 더 갈 수 있습니다."
            ),
        ),
    };
    page(*language, title, &text, "")
}

fn page(language: Language, title: &str, text: &str, form: &str) -> String {
    let (tag, title, text) = (language.tag(), escape(title), escape(text));
    format!(
        "<!doctype html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<title>{title}</title>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{text}</p>\n{form}</body>\n</html>\n"
    )
}
