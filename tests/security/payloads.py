"""Texts that would run a script in a page that takes them for markup, or for an address."""

from itertools import product
from typing import Final

#: What each of them would do, if it could.
RUN: Final = "window.pwned=1"

_TAGS: Final = [
    "<script>{run}</script>",
    "<ScRiPt>{run}</sCrIpT>",
    "<script >{run}</script >",
    "<script/x>{run}</script>",
    "<script src=data:text/javascript,{run}></script>",
    "<script type=module>{run}</script>",
    "<img src=x onerror={run}>",
    "<img src=x onerror='{run}'>",
    "<img/src=x/onerror={run}>",
    "<img src=x:x onerror\n={run}>",
    "<img src=1 oNeRrOr={run} //",
    "<image src=x onerror={run}>",
    "<svg onload={run}>",
    "<svg/onload={run}>",
    "<svg><script>{run}</script></svg>",
    "<svg><animate onbegin={run} attributeName=x dur=1s>",
    "<svg><set attributeName=href to=javascript:{run}>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload={run}>#x'/></svg>",
    "<svg><foreignObject><iframe srcdoc='<script>parent.{run}</script>'></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror={run}>",
    "<math href=javascript:{run}>x</math>",
    "<body onload={run}>",
    "<iframe src=javascript:parent.{run}>",
    "<iframe srcdoc='<script>parent.{run}</script>'>",
    "<object data=javascript:{run}>",
    "<embed src=javascript:{run}>",
    "<video><source onerror={run}></video>",
    "<audio src=x onerror={run}>",
    "<input autofocus onfocus={run}>",
    "<textarea autofocus onfocus={run}>",
    "<select autofocus onfocus={run}>",
    "<details open ontoggle={run}>",
    "<marquee onstart={run}>",
    "<div style=animation-name:x onanimationstart={run}>",
    "<style>@keyframes x{{}}*{{animation:x 1s}}</style><b onanimationstart={run}>",
    "<link rel=stylesheet href=data:text/css,* onload={run}>",
    "<base href=javascript:{run}//>",
    "<meta http-equiv=refresh content='0;url=javascript:{run}'>",
    "<form action=javascript:{run}><input type=submit autofocus></form>",
    "<isindex action=javascript:{run} type=image>",
    "<a href=javascript:{run}>x</a>",
    "<template><script>{run}</script></template>",
    "<noscript><p title='</noscript><img src=x onerror={run}>'>",
    "</title><script>{run}</script>",
    "</textarea><img src=x onerror={run}>",
    "</style><img src=x onerror={run}>",
    "--><img src=x onerror={run}>",
    "]]><img src=x onerror={run}>",
    '"><img src=x onerror={run}>',
    "'><img src=x onerror={run}>",
    '" autofocus onfocus={run} x="',
    "' onmouseover={run} x='",
    "`-{run}-`",
    "${{{run}}}",
    "{{{{constructor.constructor('{run}')()}}}}",
    "&lt;img src=x onerror={run}&gt;",
    "&#60;img src=x onerror={run}&#62;",
    "\\x3cimg src=x onerror={run}\\x3e",
    "\\u003cimg src=x onerror={run}\\u003e",
    "<<img src=x onerror={run}>",
    "<img\fsrc=x\fonerror={run}>",
    "<x contenteditable onblur={run} autofocus tabindex=1>",
    "<portal src=javascript:{run}>",
    "<dialog open onclose={run}>",
    "<img srcset=x onerror={run}>",
]
_DANGEROUS: Final = [
    "javascript:{run}",
    "JaVaScRiPt:{run}",
    "java\tscript:{run}",
    " javascript:{run}",
    "\x01javascript:{run}",
    "javascript&colon;{run}",
    "&#106;avascript:{run}",
    "javascript://example.org/%0a{run}",
    "data:text/html,<script>{run}</script>",
    "data:text/html;base64,PHNjcmlwdD53aW5kb3cucHduZWQ9MTwvc2NyaXB0Pg==",
    "vbscript:{run}",
    "blob:https://example.org/x",
    "file:///etc/passwd",
    "view-source:javascript:{run}",
    "https:javascript:{run}",
    "http://x\u202ejavascript:{run}",
]
_LINKS: Final = ["[x]({to})", "[x](<{to}>)", "<{to}>", "![x]({to})", "[x][1]\n\n[1]: {to}", "{to}"]
_MARKDOWN: Final = [
    '[x](https://example.org/" onmouseover="{run})',
    "[x](https://example.org/ 'title\" onmouseover={run}')",
    "[<img src=x onerror={run}>](https://example.org/)",
    'https://example.org/"onmouseover="{run}',
    "https://example.org/<img src=x onerror={run}>",
    'mailto:a@example.org"onmouseover="{run}',
    "**<img src=x onerror={run}>**",
    "`<img src=x onerror={run}>`",
    "```html\n<img src=x onerror={run}>\n```",
    "> <img src=x onerror={run}>",
    "- <img src=x onerror={run}>",
    "~~<svg onload={run}>~~",
    "@<img src=x onerror={run}>",
]
_ELEMENTS: Final = ["img src=x", "svg", "video src=x", "input autofocus", "p tabindex=1"]
_HANDLERS: Final = ["onerror", "onload", "OnFocus", "onpointerenter", "onanimationend"]
_WRAPPED: Final = ["<{tag} {on}={run}>", "> # <{tag}/{on}='{run}'>", "&lt;{tag} {on}={run}&gt;"]
_MORE_DANGEROUS: Final = [
    "java\nscript:{run}",
    "javascript%3A{run}",
    "jav&#x09;ascript:{run}",
    "//javascript:{run}",
    "feed:javascript:{run}",
    "data:image/svg+xml,<svg onload={run}>",
    "filesystem:http://example.org/{run}",
    "\u200bjavascript:{run}",
    "\uff4aavascript:{run}",
    "mhtml:http://example.org/!{run}",
]

MARKUP: Final = [text.format(run=RUN) for text in _TAGS + _MARKDOWN]
LINKS: Final = [
    shape.format(to=address.format(run=RUN))
    for shape, address in product(_LINKS, _DANGEROUS + _MORE_DANGEROUS)
]
#: Bodies only: as a name, each would be like one of MARKUP.
COMBINED: Final = [
    shape.format(tag=tag, on=on, run=RUN)
    for shape, tag, on in product(_WRAPPED, _ELEMENTS, _HANDLERS)
]
BODIES: Final = [*MARKUP, *LINKS, *COMBINED]
