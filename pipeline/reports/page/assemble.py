"""One HTML file of the page's parts: nothing in it is fetched, nothing runs but what is hashed."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import dataclass
from importlib import metadata, resources
from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OWN = "pipeline.reports.page"
SCRIPTS = ("data", "filter", "sums", "list", "why", "rings", "map", "print", "main")
"""Our scripts in their order; what a later one defines, an earlier one may call but not need."""
MAP = ("rings", "map")
"""Those of a page with map."""
WHY = "why"
"""The part of the document that the page reads when a task is chosen, not before."""
STYLE, PRINT = "page.css", "print.css"
HELP = (
    "查找：输入标识码、任务号或村名的一部分，空格隔开几个词。按 / 到查找框，Esc 退回。",
    "类别、状态一个也不选就是全部；后面的数是照其余条件各有几个。",
    "撤出的任务平时不列出，选中“撤出”才列出；合计里单列，不进其余各列。",
    "点列名排序；清单里上下键选图斑，回车看说明：为什么归入这一类，依据哪一条，有什么证据。",
    "打印：按当前筛选排成 A4 横页，选中的图斑附说明。",
)
MAP_HELP = (
    "点清单的一行（或按空格），地图缩放到图斑；点地图上的图斑看说明；查找框里回车，缩放到查到的图斑。",
    "地图上：实心是待整改，半透明是部分恢复，空心是已销号，深红粗边是反弹，灰色虚线是撤出。",
    "放大后图斑上标出类别代号和状态符号；方向键移动，加减号缩放。",
)


@dataclass(frozen=True, slots=True)
class Library:
    """A script library as a pinned package ships it: package, module, files, licence text."""

    name: str
    package: str
    module: str
    script: str
    style: str
    notice: str

    @property
    def version(self) -> str:
        """The library's version: the package's without its own last number."""
        return metadata.version(self.package).rpartition(".")[0]

    @property
    def script_text(self) -> str:
        """The script without its source map; an end tag within a string can't end the element."""
        return _kept(re.sub(r"//# sourceMappingURL=\S*", "", self._file(self.script)))

    @property
    def style_text(self) -> str:
        """The style without source map and without pictures, which a browser would look for."""
        text = re.sub(r"/\*# sourceMappingURL=\S* \*/", "", self._file(self.style))
        return _kept(re.sub(r"url\((?!data:)[^)]*\)", "none", text))

    def _file(self, name: str) -> str:
        return _text(self.module, "static", *name.split("/"))


LEAFLET = Library(
    "Leaflet", "django-js-lib-leaflet", "js_lib_leaflet", "js_lib_leaflet/leaflet.js",
    "js_lib_leaflet/leaflet.css", "licence_leaflet.txt",
)  # fmt: skip
TABULATOR = Library(
    "Tabulator", "django-js-lib-tabulator", "js_lib_tabulator", "tabulator/js/tabulator.min.js",
    "tabulator/css/tabulator_simple.min.css", "licence_tabulator.txt",
)  # fmt: skip


def assemble(document: Mapping[str, Any], *, title: str, stamp: Sequence[str], mark: str) -> bytes:
    """Return the page as a file: UTF-8, the same bytes for the same document.

    document: what `page.document` makes; title, the parts of the stamp, mark (示例数据 or ""):
    plain text. A page without shapes has neither map nor Leaflet. Every script and style is
    allowed by its hash, and nothing else is: no request, no form, no frame.
    """
    mapped = "shapes" in document
    libraries = (LEAFLET, TABULATOR) if mapped else (TABULATOR,)
    styles = [library.style_text for library in libraries]
    paper = Template(_own(PRINT)).substitute(stamp=css_string("　".join([title, *stamp, mark])))
    styles += [_own(STYLE), _kept(paper)]
    scripts = [library.script_text for library in libraries]
    own = [_own(f"{name}.js") for name in SCRIPTS if mapped or name not in MAP]
    scripts.append("".join(["(() => {\n'use strict';\n", *own, "})();\n"]))
    parts = {
        "policy": _policy(scripts, styles),
        "title": html.escape(title),
        "sample": f'<span class="sample">{html.escape(mark)}</span>' if mark else "",
        "stamp": "".join(f"<span>{html.escape(part)}</span>" for part in stamp),
        "kind": "mapped" if mapped else "plain",
        "map": _own("map.html") if mapped else "",
        "footer": html.escape(_footer(mapped=mapped)),
        "help": _items((*HELP, *MAP_HELP) if mapped else HELP),
        "credits": "".join(_credit(library) for library in libraries),
        "styles": "\n".join(f"<style>{style}</style>" for style in styles),
        "data": json_block({name: part for name, part in document.items() if name != WHY}),
        "why": json_block(document[WHY]),
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    return Template(_own("page.html")).substitute(parts).encode()


def json_block(document: Mapping[str, Any]) -> str:
    """Return JSON that may stand in a script element: no text can end it or open a comment."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def css_string(text: str) -> str:
    """Return text as a CSS string that nothing in it can end: all but plain signs as numbers."""
    signs = (sign if sign.isalnum() or sign in " -" else f"\\{ord(sign):x} " for sign in text)
    return f'"{"".join(signs)}"'


def _kept(text: str) -> str:
    """Return text that stays within its element."""
    return re.sub(r"<(?=/script|/style|!--)", r"\\x3c", text, flags=re.IGNORECASE)


def _policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """Return the Content-Security-Policy: the inlined scripts and styles by hash, no more."""
    allowed = {
        kind: " ".join(f"'sha256-{_digest(text)}'" for text in texts)
        for kind, texts in (("script-src", scripts), ("style-src", styles))
    }
    rules = ["default-src 'none'", *(f"{kind} {hashes}" for kind, hashes in allowed.items())]
    return "; ".join([*rules, "img-src data:", "base-uri 'none'", "form-action 'none'"])


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _footer(*, mapped: bool) -> str:
    if not mapped:
        return "本页不含坐标和图形，供邮寄、转发；带地图的是 plots.html。密级由人填写。"
    return (
        "本页含图斑坐标，按密级保管，不得上网、邮寄；要转发用 plots_无坐标.html。"
        "坐标为 2000 国家大地坐标系经纬度；图形简化到 0.5 米，不作量算；"
        "镇界为示意，不作为划界和权属依据。"
    )


def _credit(library: Library) -> str:
    """Return a library with its licence, folded."""
    notice = html.escape(_own(library.notice))
    name = html.escape(f"{library.name} {library.version}（{notice.partition(chr(10))[0]}）")
    return f"<li><details><summary>{name}</summary><pre>{notice}</pre></details></li>"


def _items(texts: Iterable[str]) -> str:
    return "".join(f"<li>{html.escape(text)}</li>" for text in texts)


def _own(name: str) -> str:
    return _text(OWN, "static", name)


def _text(module: str, *parts: str) -> str:
    return resources.files(module).joinpath(*parts).read_text(encoding="utf-8")
