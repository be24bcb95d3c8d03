//! The style of the pages, for light and dark color schemes and for narrow screens.

/// The icon of the pages. Without one, browsers request `/favicon.ico`.
pub const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E\
    %3Crect width='32' height='32' rx='8' fill='%23f2c14e'/%3E\
    %3Cpath d='M9 17l5 5 9-11' fill='none' stroke='%233d2c00' stroke-width='4' stroke-linecap='round' \
    stroke-linejoin='round'/%3E%3C/svg%3E";

/// The style sheet. Text has a contrast of at least 4.5:1 to its background, borders of fields 3:1.
pub const STYLE: &str = "
:root{color-scheme:light dark;--page:#eef1f5;--card:#fff;--ink:#18212d;--muted:#526071;--line:#dce2ea;--field:#7d8a9b;
--action:#1d5bb8;--action-hover:#174a97;--on-action:#fff;--tint:#eaf1fb;--good:#0f6237;--good-tint:#e5f5ec;
--bad:#a1161d;--bad-tint:#fdecec;--banner:#6a4c00;--banner-tint:#fdeec4;--shadow:0 1px 2px #18212d14,0 8px 28px #18212d12}
@media(prefers-color-scheme:dark){:root{--page:#0e131a;--card:#19212b;--ink:#e7ecf2;--muted:#a5b1c0;--line:#2d3846;
--field:#718197;--action:#8db9ff;--action-hover:#aecdff;--on-action:#0a1a30;--tint:#20304a;--good:#8fe0b3;
--good-tint:#14301f;--bad:#ffb1b1;--bad-tint:#3b1b1e;--banner:#f1d68f;--banner-tint:#352b10;--shadow:none}}
*{box-sizing:border-box}
html{background:var(--page);-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0 auto;padding:1.25rem 1rem 2rem;max-width:38rem;font:1rem/1.55 system-ui,-apple-system,'Segoe UI',Roboto,
'Noto Sans',sans-serif;color:var(--ink);overflow-wrap:anywhere}
header{display:flex;align-items:baseline;gap:.65rem;margin-bottom:clamp(1rem,5vh,3rem);font-size:.875rem;line-height:1.4;
color:var(--muted)}
header strong{flex:none;padding:.1rem .6rem;border-radius:1rem;font-size:.75rem;
letter-spacing:.08em;color:var(--banner);background:var(--banner-tint)}
main{padding:2rem;border:1px solid var(--line);border-radius:1rem;background:var(--card);box-shadow:var(--shadow)}
main>:last-child{margin-bottom:0}
.place{margin:0 0 .25rem;font-size:.875rem;color:var(--muted)}
h1{margin:0 0 1rem;font-size:1.625rem;line-height:1.25;letter-spacing:-.01em;text-wrap:balance}
h1:focus{outline:none}
h2{margin:1.75rem 0 .5rem;font-size:1.0625rem;line-height:1.35}
p{margin:0 0 1rem}
a{color:var(--action);text-underline-offset:.15em}
a:hover{color:var(--action-hover)}
:focus-visible{outline:3px solid var(--action);outline-offset:2px}
ul{margin:0 0 1rem;padding-left:1.25rem}
li{margin:.25rem 0}
dl{margin:0 0 1rem}
dt{font-size:.875rem;color:var(--muted)}
dd{margin:0 0 .75rem}
code{display:inline-block;margin:.25rem 0;padding:.25rem .75rem;border-radius:.5rem;background:var(--tint);
font:600 1.375rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.08em}
.field{margin:0 0 1rem}
.field label{display:block;margin:0 0 .3rem;font-weight:600}
.field input{width:100%;padding:.6rem .75rem;border:1px solid var(--field);border-radius:.5rem;font:inherit;
color:inherit;background:var(--card)}
.field input:focus-visible{border-color:var(--action);outline-offset:0;outline-width:2px}
fieldset{min-width:0;margin:0 0 1rem;padding:0;border:0}
legend{margin:0 0 .3rem;padding:0;font-weight:600}
.choice{display:flex;gap:.65rem;margin:0 0 .5rem;padding:.6rem .75rem;border:1px solid var(--line);border-radius:.5rem;
cursor:pointer}
.choice:hover{border-color:var(--field)}
.choice:has(:checked){border-color:var(--action);background:var(--tint)}
.choice input{flex:none;width:1.1rem;height:1.1rem;margin:.2rem 0 0;accent-color:var(--action)}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin:1.25rem 0 1rem}
.filled{flex:1 1 100%}
.filled .button{margin-top:.25rem}
.button{display:inline-block;padding:.6rem 1.25rem;border:1px solid transparent;border-radius:.5rem;font:inherit;
font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
.primary,.primary:hover{color:var(--on-action);background:var(--action)}
.primary:hover{background:var(--action-hover)}
.quiet{border-color:var(--field);color:var(--action);background:none}
.quiet:hover{border-color:var(--action);background:var(--tint)}
.done,.error,.hint,.idle{padding:.75rem 1rem;border-radius:.5rem}
.done{display:flex;align-items:center;gap:.75rem;font-size:1.125rem;color:var(--good);background:var(--good-tint)}
.error{border-left:4px solid var(--bad);color:var(--bad);background:var(--bad-tint)}
.hint,.idle{background:var(--tint)}
.hint{font-size:.9375rem}
.mark{flex:none;display:inline-grid;place-items:center;width:1.75rem;height:1.75rem;border:2px solid var(--field);
border-radius:50%;font-size:.875rem;font-weight:700;line-height:1}
.done .mark{border-color:var(--good);color:var(--good-tint);background:var(--good)}
.tasks{margin:0 0 1.5rem;padding:0;list-style:none}
.task{display:flex;gap:1rem;margin:0;padding:1rem 0;border-top:1px solid var(--line)}
.task>div{flex:1;min-width:0}
.task h2{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;margin:.1rem 0 .15rem}
.task p{margin:0;font-size:.9375rem;color:var(--muted)}
.task .actions{margin:.75rem 0 0}
.state{font-size:.875rem;font-weight:600;color:var(--muted)}
.task.is-done .mark{border-color:var(--good);color:var(--card);background:var(--good)}
.task.is-done .state{color:var(--good)}
.task.is-to-do .mark{border-color:var(--action);color:var(--action)}
.task.is-to-do .state{color:var(--action)}
.mail{padding:1rem 0;border-top:1px solid var(--line)}
.mail h2{margin:0 0 .25rem}
.mail .from{margin:0 0 .5rem;font-size:.875rem;color:var(--muted)}
.mail .actions{margin:.75rem 0 0}
.rows{margin:0 0 1rem;padding:0;list-style:none}
.rows li{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;margin:0;padding:.6rem 0;
border-top:1px solid var(--line)}
.rows span{color:var(--muted)}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem}
nav a{padding:.25rem 0;font-size:.875rem}
main nav{padding-top:.75rem;border-top:1px solid var(--line)}
footer{margin-top:1rem;padding:0 .25rem}
@media(max-width:30rem){header{font-size:.8125rem}main{padding:1.25rem}h1{font-size:1.375rem}.actions>*,.bare,.bare .button,.filled .button{
width:100%}.task h2{display:block}.task .state{display:block}}
@media(forced-colors:active){.mark,.choice,.button{border-color:CanvasText}}
";
