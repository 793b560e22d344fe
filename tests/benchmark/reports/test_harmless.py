"""What a notebook shows cannot run, fetch or restyle; tables, drawings and pictures stay as they are."""

from __future__ import annotations

import base64

import pytest

from workbench.benchmark.markup import interval_bar, table
from workbench.benchmark.reports.harmless import harmless

PICTURE = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()


@pytest.mark.parametrize(
    "html",
    [
        "<script>f()</script>",
        "<SCRIPT src=x></SCRIPT>",
        "<style>header{display:none}</style>",
        "<link rel=stylesheet href=x>",
        "<meta http-equiv=refresh content='0;url=x'>",
        "<base href=x>",
        "<iframe srcdoc='<b>'></iframe>",
        "<object data=x></object>",
        "<embed src=x>",
        "<form action=x><input name=a></form>",
        "<video src=x></video>",
        "<!--[if IE]><script>f()</script><![endif]-->",
        "<?xml-stylesheet href=x?>",
        "<svg><foreignObject><b>x</b></foreignObject></svg>",
        "<svg><animate onbegin=f() /></svg>",
        "<b/onclick=f()>x</b>",
        "<img src=http://x.y/z.png>",
        "<img src=//x.y/z.png srcset='x 2x'>",
        "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
        "<a href='java&#115;cript:f()'>x</a>",
        "<a href=' javascript:f()'>x</a>",
        "<a href='data:text/html,x' ping=x>x</a>",
        "<svg><use xlink:href='http://x.y/z#a'/></svg>",
        "<svg><image href='http://x.y/z.png'/></svg>",
        '<p style="background: url(http://x.y)">x</p>',
        "<p style='background: u\\72l(x)'>x</p>",
        '<p style="position: fixed; top: 0">x</p>',
        "<div background=x>x</div>",
    ],
)
def test_what_runs_or_fetches_or_restyles_is_taken_out(html: str) -> None:
    cleaned = harmless(f"<p>before</p>{html}<p>after</p>").lower()
    words = ("script", "<style", "<link", "<meta", "<base", "iframe", "<object", "<embed", "<form", "<input", "video")
    for word in (*words, "foreignobject", "animate", "onclick", "x.y", "//", "svg+xml", "data:text", "ping", "url("):
        assert word not in cleaned
    assert "fixed" not in cleaned and "\\" not in cleaned and "background" not in cleaned


@pytest.mark.parametrize(
    "html",
    [
        table(["A", "B"], [("1", "2")], title="T"),
        interval_bar(0.5, (0.4, 0.6)),
        '<a href="https://w3id.org/ro">x</a>',
        f'<img alt="x" src="{PICTURE}"/>',
        '<svg><defs><clipPath id="a"></clipPath></defs><g style="fill: url(#a)"></g></svg>',
        "<details><summary>More</summary>a &lt; b &amp; c</details>",
    ],
)
def test_tables_drawings_pictures_and_links_stay(html: str) -> None:
    assert harmless(html).lower() == html.lower()
