"""The style sheet of report.html: it stands in the file, which loads nothing."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark;
  --page:#f5f6f8; --card:#fff; --ink:#1b1f24; --soft:#57606a; --line:#d8dee4; --code:#f6f8fa; --link:#0a58a8;
  --bad:#b3261e; --bad-bg:#fdecea; --warn:#8a5300; --warn-bg:#fff4dc; --good:#1a6b35; --good-bg:#e5f5ea; }
@media (prefers-color-scheme: dark) { :root {
  --page:#0f1318; --card:#171c23; --ink:#e6eaef; --soft:#9aa5b1; --line:#2c343e; --code:#10151b;
  --link:#79b8ff; --bad:#ff8f85; --bad-bg:#3a1a19; --warn:#f2c063; --warn-bg:#362a12;
  --good:#7bd597; --good-bg:#143020; } }
* { box-sizing:border-box; }
body { margin:0; background:var(--page); color:var(--ink);
  font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif; }
main, header > div, footer { max-width:68rem; margin:0 auto; padding:0 1.25rem; }
header { background:var(--card); border-bottom:1px solid var(--line); border-top:6px solid var(--tone); }
header > div { padding-top:1.4rem; padding-bottom:1.2rem; }
.failed, .failure { --tone:var(--bad); --tone-bg:var(--bad-bg); }
.hanging, .hang, .warning, .nothing-found { --tone:var(--warn); --tone-bg:var(--warn-bg); }
.healthy { --tone:var(--good); --tone-bg:var(--good-bg); }
h1 { font-size:1.55rem; line-height:1.25; margin:.35rem 0 .3rem; overflow-wrap:anywhere; }
h2 { font-size:1.2rem; line-height:1.3; margin:2rem 0 .7rem; }
h3 { font-size:1.08rem; margin:0; overflow-wrap:anywhere; }
h4 { font-size:.78rem; letter-spacing:.04em; text-transform:uppercase; color:var(--soft);
  margin:1.15rem 0 .3rem; }
p { margin:.3rem 0; } a { color:var(--link); }
a:focus-visible, summary:focus-visible, .scroll:focus-visible {
  outline:2px solid var(--link); outline-offset:2px; }
.badge { display:inline-block; padding:.1rem .55rem; border-radius:1rem; font-size:.8rem; font-weight:600;
  background:var(--tone-bg,var(--code)); color:var(--tone,var(--soft)); white-space:nowrap; }
.plain { --tone:var(--soft); --tone-bg:var(--code); }
.soft, .unknown, caption, footer { color:var(--soft); }
.soft { font-size:.9rem; }
.place { font-size:1.02rem; color:var(--soft); margin:0; overflow-wrap:anywhere; }
dl { display:grid; grid-template-columns:repeat(auto-fill,minmax(17rem,1fr)); gap:.7rem 1.5rem;
  margin:1rem 0 0; }
dl.wide { grid-template-columns:repeat(auto-fill,minmax(min(24rem,100%),1fr)); }
.ids { margin-top:.9rem; }
dt { font-size:.78rem; color:var(--soft); } dd { margin:0; overflow-wrap:anywhere; }
.card { background:var(--card); border:1px solid var(--line); border-radius:.6rem;
  padding:1.1rem 1.25rem 1.2rem; margin:0 0 1rem; }
article.card { border-left:4px solid var(--tone); }
.top { display:flex; flex-wrap:wrap; gap:.4rem .7rem; align-items:center; }
pre, code, .lines td, .lines th {
  font:13px/1.5 ui-monospace,"Cascadia Mono",Consolas,"DejaVu Sans Mono",monospace; }
pre { margin:.35rem 0; padding:.55rem .75rem; background:var(--code); border:1px solid var(--line);
  border-radius:.4rem; white-space:pre-wrap; overflow-wrap:anywhere; }
pre.proof { background:var(--tone-bg); border-color:var(--tone); }
.steps { margin:.3rem 0; padding:0; list-style:none; }
.two { display:grid; grid-template-columns:1fr 1fr; gap:0 2rem; }
@media (max-width:46rem) { .two { grid-template-columns:1fr; } }
ol.timeline { list-style:none; margin:.5rem 0 0 .35rem; padding:0 0 0 1.1rem;
  border-left:2px solid var(--line); }
ol.timeline li { position:relative; margin:0 0 .65rem; }
ol.timeline li::before { content:""; position:absolute; left:-1.5rem; top:.45rem; width:.65rem; height:.65rem;
  border-radius:50%; background:var(--line); border:2px solid var(--card); }
ol.timeline li.telling::before, ol.timeline li.exit::before { background:var(--tone); }
ol.timeline .text { display:block; font:13px/1.45 ui-monospace,Consolas,"DejaVu Sans Mono",monospace;
  overflow-wrap:anywhere; }
ol.timeline .meta { font-size:.82rem; color:var(--soft); overflow-wrap:anywhere; }
time { font-variant-numeric:tabular-nums; color:var(--ink); font-weight:600; }
details.card { padding:.75rem 1.1rem; } summary { cursor:pointer; overflow-wrap:anywhere; }
summary .count { color:var(--soft); font-size:.85rem; } details[open] > summary { margin-bottom:.6rem; }
.scroll { overflow-x:auto; } table { border-collapse:collapse; width:100%; font-size:.88rem; }
caption { text-align:left; padding:0 0 .4rem; font-size:.88rem; }
thead th { text-align:left; font-weight:600; color:var(--soft); border-bottom:2px solid var(--line);
  padding:.3rem .9rem .3rem 0; white-space:nowrap; }
tbody td { border-bottom:1px solid var(--line); padding:.3rem .9rem .3rem 0; vertical-align:top;
  overflow-wrap:anywhere; min-width:4rem; }
.nowrap { white-space:nowrap; }
.lines { background:var(--code); border:1px solid var(--line); border-radius:.4rem; overflow:hidden; }
.lines tbody td { border:0; padding:0 .75rem; white-space:pre-wrap; }
.lines tbody th { border:0; padding:0 .6rem 0 .75rem; width:1%; text-align:right; vertical-align:top;
  font-weight:400; color:var(--soft); user-select:none; white-space:nowrap; }
.lines tr.bad { background:var(--bad-bg); } .lines tr.bad th { color:var(--bad); font-weight:700; }
.lines mark { background:none; color:inherit; } .lines tr:target { outline:2px solid var(--link); }
.lines tr.gap td { color:var(--soft); padding-top:.15rem; padding-bottom:.15rem; }
footer { padding-top:1rem; padding-bottom:2.5rem; font-size:.85rem; }
@media print { body { background:none; } details:not([open]) { display:none; } }
"""
