"""maps/index.html: what staff open first; every product with a small picture, plain and offline."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from pipeline.render.furniture import SAMPLE_MARK, chinese_date

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipeline.model import County

_STYLE = """
body{font:16px/1.5 "Noto Sans SC","Microsoft YaHei","PingFang SC","SimSun",sans-serif;margin:0;
background:#f3f4f0;color:#1a1f24}
header{background:#2f4a62;color:#fff;padding:18px 28px}h1{margin:0;font-size:26px}
header p{margin:4px 0 0;color:#dfe6ec}.sample{display:inline-block;border:2px solid #fff;
padding:0 10px;margin-left:14px;font-size:18px}
main{padding:12px 28px 40px}h2{font-size:19px;margin:22px 0 10px}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:18px}
figure{margin:0;background:#fff;border:1px solid #c9cfd4;padding:10px}
figure img{width:100%;aspect-ratio:420/297;object-fit:contain;display:block;
border:1px solid #e3e6e8}
figcaption{margin-top:8px}figcaption b{display:block}figcaption small{color:#5a636b;display:block}
a{color:#1f5a96}.files a{margin-right:12px}details{margin-top:20px}summary{cursor:pointer}
ul{padding-left:20px}
@media print{header{background:#fff;color:#000}.grid{grid-template-columns:1fr 1fr}}
"""


_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="'
    "default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'\">"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A product on the page: its export, words, files relative to maps/, thumbnail among them."""

    day: date
    title: str
    answers: str
    product_id: str
    files: tuple[str, ...]

    @property
    def picture(self) -> str:
        """The thumbnail's path."""
        return next(name for name in self.files if "thumbs/" in name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A workbook, bulletin or page of the office: its words, id, files relative to maps/."""

    title: str
    answers: str
    product_id: str
    files: tuple[str, ...]


def contact_sheet(
    county: County,
    products: Sequence[Shown],
    tables: Sequence[tuple[str, str]],
    documents: Sequence[Document] = (),
) -> str:
    """Return the page; products newest export first; tables: (path relative to maps/, words).

    Everything is escaped, nothing is fetched, no script is needed.
    """
    newest = county.newest
    mark = f'<span class="sample">{SAMPLE_MARK}</span>' if county.sample else ""
    now = [item for item in products if item.day == newest]
    earlier = sorted({item.day for item in products if item.day != newest}, reverse=True)
    said = (
        f"数据截至{chinese_date(newest)} · 整改期限{chinese_date(county.deadline)}"
        f" · 共{len(now)}种图件"
    )
    parts = [
        "<!doctype html>", '<html lang="zh-CN"><head><meta charset="utf-8">',
        _POLICY,
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>{_safe(county.name)}耕地保护图件目录</title><style>{_STYLE}</style></head><body>",
        f"<header><h1>{_safe(county.name)}耕地保护 · 挂图与图册{mark}</h1>",
        f"<p>{said}</p></header><main>",
        '<h2>本期图件</h2><div class="grid">', *map(_figure, now), "</div>",
        *_documents(documents),
        "<h2>表格</h2><ul>", *(_table(path, words) for path, words in tables), "</ul>",
    ]  # fmt: skip
    for day in earlier:
        own = [item for item in products if item.day == day]
        parts += [
            f"<details><summary>往期：{chinese_date(day)}（{len(own)}种）</summary>",
            '<div class="grid">', *map(_figure, own), "</div></details>",
        ]  # fmt: skip
    return "\n".join([*parts, "</main></body></html>", ""])


def _figure(item: Shown) -> str:
    """Return a product with thumbnail and links; the largest picture opens on click."""
    files = [name for name in item.files if name != item.picture]
    first = next((name for name in files if name.endswith(".png")), files[0])
    links = "".join(f'<a href="{_link(name)}">{_kind(name)}</a>' for name in files)
    return (
        f'<figure><a href="{_link(first)}"><img loading="lazy" src="{_link(item.picture)}" '
        f'alt="{_safe(item.title)}"></a><figcaption><b>{_safe(item.title)}</b>'
        f'<small>{_safe(item.answers)}</small><span class="files">{links}</span>'
        f"<small>数据日期 {item.day.isoformat()} · 产品编号 {_safe(item.product_id)}</small>"
        "</figcaption></figure>"
    )


def _documents(documents: Sequence[Document]) -> list[str]:
    """Return the section of office products, none where there are none."""
    if not documents:
        return []
    return [
        '<h2>报表、台账与通报</h2><ul class="files">', *map(_document, documents), "</ul>"
    ]  # fmt: skip


def _document(item: Document) -> str:
    links = "".join(
        f'<a href="{_link(name)}">{_safe(name.rsplit("/", 1)[-1])}</a>' for name in item.files
    )
    return (
        f"<li><b>{_safe(item.title)}</b> {_safe(item.answers)}<br>{links}"
        f"<small>产品编号 {_safe(item.product_id)}</small></li>"
    )


def _table(path: str, words: str) -> str:
    return f'<li><a href="{_link(path)}">{_safe(path.rsplit("/", 1)[-1])}</a> {_safe(words)}</li>'


def _kind(name: str) -> str:
    """Return what a link is called: PDF, 图片, or 图片 with its page."""
    stem, _, ending = name.rpartition(".")
    if ending != "png":
        return ending.upper()
    page = stem.rsplit("_", 1)[-1]
    return f"图片{page}" if page.isdigit() else "图片"


def _safe(text: str) -> str:
    return html.escape(text, quote=True)


def _link(path: str) -> str:
    """Return a relative address; Chinese names, blanks and # survive."""
    return html.escape(quote(path), quote=True)
