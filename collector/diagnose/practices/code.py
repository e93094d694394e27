"""Scripts without what is no code: comments, here-documents and the insides of quotes. Nothing is ever run.

The code keeps the lines of its script, so that a place in it is a place in the file.
"""

from __future__ import annotations

import re

#: What is looked through at most, in characters, and what a quote that is code itself may hold.
_MOST = 131_072
_HERE = r"(?<!<)<<-?[ \t]*['\"\\]?([A-Za-z_]\w*)"
_INNER = r"(?s)\b(?:ba|da|z|k)?sh\s+-\w*c\s+(['\"])(.{0,4000}?)\1"
_SHELL = r"(?sm)\\.|'[^']*'|\"(?:\\.|[^\"\\])*\"|(?:^|(?<=[\s;]))#[^\n]*"
_PROSE = r"(?m)\b(?:echo|printf)[ \t][^\n;&|]*"
_POWERSHELL = r"(?sm)@(['\"])[ \t]*\n.{0,8000}?\n\1@|`.|'[^'\n]*'|\"(?:`.|[^\"`\n])*\"|(?:^|(?<=[\s;({]))#[^\n]*"
_INNER_POWERSHELL = r"(?is)(?<=\s)-c(?:ommand)?\s+(['\"])(.{0,4000}?)\1"
_BATCH = r"(?im)^[ \t]*@?(?:rem\b|::|echo\b)[^\n]*"
_SHELL_LINE = r"#![^\n]*\b(?:ba|da|z|k|a)?sh\b"


def code_of(name: str, text: str) -> str:
    """The code of a script, line for line as in its file; nothing for languages that are not known."""
    lowered, text = name.lower(), text[:_MOST]
    if lowered.endswith((".ps1", ".psm1")):
        return powershell_code(text)
    if lowered.endswith((".bat", ".cmd")):
        return re.sub(_BATCH, "", text)
    if text.startswith("#!"):
        return shell_code(text) if re.match(_SHELL_LINE, text) else ""
    return shell_code(text) if lowered.endswith(".sh") or "." not in lowered.rpartition("/")[2] else ""


def command_code(text: str) -> str:
    """The code of a command line of the settings, whose shell is not known."""
    return shell_code(re.sub(_INNER_POWERSHELL, r"; \2 ;", text[:_MOST]))


def shell_code(text: str) -> str:
    text = re.sub(_INNER, r"; \2 ;", _without_documents(text))
    return re.sub(_PROSE, "", re.sub(_SHELL, _blanked, text))


def powershell_code(text: str) -> str:
    text = re.sub(_INNER_POWERSHELL, r"; \2 ;", _without_blocks(text))
    return re.sub(_POWERSHELL, _blanked, text)


def _without_documents(text: str) -> str:
    """Here-documents emptied."""
    if "<<" not in text:
        return text
    lines, ends = [], ""
    for line in text.split("\n"):
        if ends:
            ends = "" if line.strip() == ends else ends
            lines.append("")
            continue
        lines.append(line)
        begun = None if line.lstrip().startswith("#") else re.search(_HERE, line)
        ends = begun[1] if begun else ""
    return "\n".join(lines)


def _without_blocks(text: str) -> str:
    """PowerShell's comments of several lines emptied."""
    parts, rest = [], text
    while (begin := rest.find("<#")) >= 0:
        end = rest.find("#>", begin + 2)
        end = len(rest) if end < 0 else end + 2
        parts += [rest[:begin], "\n" * rest.count("\n", begin, end)]
        rest = rest[end:]
    return "".join([*parts, rest])


def _blanked(found: re.Match[str]) -> str:
    text = found[0]
    lines = "\n" * text.count("\n")
    if text.startswith(("'", '"', "@")):
        return f"''{lines}"
    return "" if text.startswith("#") else text
