//! How a letter looks. Colours are those of light mode; `DOCUMENT_HEAD` has dark mode's for programs that read it.

/// Apple's, Windows' and Android's own faces for Korean beside those for Latin letters; nothing is loaded.
pub(super) const FONT: &str = "font-family:-apple-system,BlinkMacSystemFont,'Apple SD Gothic Neo','Malgun Gothic','Noto Sans KR','Segoe UI',Roboto,Arial,sans-serif;font-size:15px;line-height:1.6;color:#111827;word-break:keep-all;overflow-wrap:anywhere";

pub(super) const BODY: &str =
    "margin:0;padding:0;background-color:#f3f4f6;-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%";
pub(super) const OUTER: &str = "background-color:#f3f4f6";
pub(super) const CARD: &str =
    "max-width:600px;margin:0 auto;background-color:#ffffff;border:1px solid #e5e7eb;border-radius:8px";
pub(super) const PADDING: &str = "padding:28px 28px 12px;color:#111827";
pub(super) const HIDDEN: &str = "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;color:#f3f4f6;mso-hide:all";

pub(super) const TITLE: &str = "margin:0 0 16px;font-size:21px;line-height:1.35;font-weight:700;color:#111827";
pub(super) const HEADING: &str = "margin:8px 0 8px;font-size:15px;line-height:1.4;font-weight:700;color:#111827";
pub(super) const PARAGRAPH: &str = "margin:0 0 16px";
pub(super) const SMALL: &str = "margin:0 0 12px;font-size:12px;line-height:1.5;color:#6b7280";
pub(super) const LINK: &str = "color:#1a56db;text-decoration:underline";
pub(super) const WARNING: &str =
    "padding:10px 14px;border-left:4px solid #d97706;background-color:#fffbeb;color:#78350f";

pub(super) const BUTTON_CELL: &str = "border-radius:6px;background-color:#1a56db;mso-padding-alt:12px 22px";
pub(super) const BUTTON: &str = "display:inline-block;padding:12px 22px;border:1px solid #1a56db;border-radius:6px;background-color:#1a56db;color:#ffffff;font-weight:600;text-decoration:none";

pub(super) const TABLE: &str = "width:100%;margin:0 0 20px;border-collapse:collapse";
pub(super) const CELL: &str =
    "padding:7px 12px 7px 0;border-bottom:1px solid #e5e7eb;text-align:left;vertical-align:top";
/// Short, because a long table repeats it hundreds of times.
pub(super) const FIGURE: &str = "padding:6px 0 6px 10px;border-bottom:1px solid #e5e7eb";
pub(super) const FIGURE_NAME: &str = "padding:6px 0;border-bottom:1px solid #e5e7eb;white-space:nowrap";
pub(super) const LABEL: &str = "font-size:13px;color:#6b7280";

/// Word gives a table's width no maximum: one of fixed width around it does.
pub(super) const WORD_STARTS: &str = "<!--[if mso]><table role=\"presentation\" width=\"600\" align=\"center\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr><td><![endif]-->\n";
pub(super) const WORD_ENDS: &str = "<!--[if mso]></td></tr></table><![endif]-->\n";

/// Word takes no font from around a table. Everybody else's style sheet is one line a colour: whoever drops it shows light mode.
pub(super) const DOCUMENT_HEAD: &str = "\
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">
<meta name=\"x-apple-disable-message-reformatting\">
<meta name=\"format-detection\" content=\"telephone=no,date=no,address=no,email=no,url=no\">
<meta name=\"color-scheme\" content=\"light dark\">
<meta name=\"supported-color-schemes\" content=\"light dark\">
<!--[if mso]><style>td,th,p,h1,h2,a{font-family:'Malgun Gothic','Segoe UI',Arial,sans-serif !important}</style><![endif]-->
<style>
:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (max-width:480px){.p{padding:22px 18px 8px !important}}
@media (prefers-color-scheme:dark){
.b{background-color:#0b0f19 !important}
.c{background-color:#151b28 !important;border-right-color:#2b3445 !important;border-bottom-color:#2b3445 !important;border-left-color:#2b3445 !important}
.p,.t{color:#e5e7eb !important}
.m{color:#a3adbd !important}
.l{border-color:#2b3445 !important}
.a{color:#8ab4ff !important}
.w{background-color:#2b2110 !important;color:#fcd68a !important}
}
</style>
";
