"""`quire organize` and `quire undo`: files put in order by a plan that is read, edited and can be taken back.

Proposals come from the library; the plan is checked and applied here, on the paths alone, with a journal
in the library's folder (`indexer.organize`).
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.errors import AppError, UsageError
from indexer.text import safe_text
from tui import output
from tui.commands import Caller, Command, Settings, absolute, on_terminal

if TYPE_CHECKING:
    from indexer.organize.check import Bounds, Checked
    from indexer.organize.journal import Left
    from indexer.organize.plan import Plan
    from indexer.organize.runs import Outcome, Runs
    from indexer.organize.steps import Transfer, Verb

_DONE: Mapping[Verb, str] = {
    "rename": "renamed",
    "move": "moved",
    "archive": "archived",
    "trash": "trashed",
}
_SHOWN = 20
"""Files named one by one; `--json` has all of them."""


@click.command(cls=Command)
@click.option("--scope", metavar="QUERY", default="", help="Only files that this query finds.")
@click.option(
    "--rename", metavar="TEMPLATE", default="", help="New names, such as '{date} {author} {title}'."
)
@click.option("--folder", metavar="TEMPLATE", default="", help="Folders, such as '{type}/{year}'.")
@click.option("--copies", is_flag=True, help="All copies with the same bytes, to the trash.")
@click.option("--archive-old", is_flag=True, help="Older versions, to the archive folder.")
@click.option("--archive", metavar="DIR", type=click.Path(), help="Another archive folder.")
@click.option(
    "--plan", metavar="FILE", type=click.Path(), help="Write the plan to a new file ('-': print it)."
)
@click.option("--apply", "applied", metavar="FILE", type=click.Path(), help="Check a plan and carry it out.")
@click.option("--dry-run", is_flag=True, help="With --apply: check only.")
@click.option("--resume", is_flag=True, help="Finish what was interrupted.")
@click.option("--rollback", is_flag=True, help="Take back what was interrupted.")
@click.pass_obj
def organize(
    settings: Settings,
    scope: str,
    rename: str,
    folder: str,
    copies: bool,
    archive_old: bool,
    archive: str | None,
    plan: str | None,
    applied: str | None,
    dry_run: bool,
    resume: bool,
    rollback: bool,
) -> int:
    """Propose new names, folders, an archive and the removal of copies, as a plan to be edited.

    Without --plan or --apply the plan opens in your editor; it is carried out after a yes. Without
    options it holds what is plainly better: names for files whose names say nothing, and copies beside
    their original. Files that have changed since the plan was made are left alone. 'quire undo' takes
    everything back. Fields of templates: date, year, month, modified, author, title, subject, type,
    language, name, folder.
    """
    request = {
        "scope": scope,
        "rename": rename,
        "folder": folder,
        "copies": copies,
        "archive_old": archive_old or bool(archive),
        "archive": absolute(archive) if archive else "",
    }
    _refuse_mixture(request, plan, applied, dry_run, resume, rollback)
    if resume or rollback:
        return _end_interrupted(settings, resume=resume)
    if applied is not None:
        return _apply_file(settings, applied, dry_run=dry_run)
    with settings.open() as library:
        proposal = library.call("organize", request=request)
        interactive = plan is None and not settings.json and on_terminal() and on_terminal(sys.stdin)
        if interactive and proposal["actions"]:
            return _edit_and_apply(settings, library, proposal)
    return _hand_out(settings, proposal, plan)


def _refuse_mixture(
    request: Mapping[str, Any],
    plan: str | None,
    applied: str | None,
    dry_run: bool,
    resume: bool,
    rollback: bool,
) -> None:
    ways = [plan is not None, applied is not None, resume, rollback]
    if sum(ways) > 1:
        raise UsageError("Only one of --plan, --apply, --resume and --rollback can be done at a time.")
    if any(ways[1:]) and any(request.values()):
        raise UsageError("What is proposed is chosen when a plan is made, not when it is applied.")
    if dry_run and applied is None:
        raise UsageError(
            "--dry-run belongs to --apply FILE.", hint="--plan - prints a plan and does nothing."
        )


# --- proposing -------------------------------------------------------------------------------------


def _hand_out(settings: Settings, proposal: Mapping[str, Any], plan: str | None) -> int:
    """Print or write what is proposed; nothing is changed."""
    text = _text_of(proposal)
    if plan not in (None, "-") and proposal["actions"]:
        _write_new(str(plan), text)
    if settings.json:
        output.print_json({**proposal, "plan": text})
    elif plan in (None, "-") and proposal["actions"]:
        click.echo(text, nl=False)
    if proposal["actions"] and plan not in (None, "-"):
        count = _count(sum(each["word"] != "keep" for each in proposal["actions"]), "file")
        settings.note(f"{count} in {plan}. Read and edit it; 'quire organize --apply {plan}' carries it out.")
    elif not proposal["actions"]:
        settings.note(_nothing(proposal))
    return 0 if proposal["actions"] else 1


def _nothing(proposal: Mapping[str, Any]) -> str:
    told = f"Nothing to put in order among {_count(proposal['considered'], 'file')}."
    left = "; ".join(f"{count:,} {reason}" for reason, count in proposal["left_out"])
    return f"{told} Never touched: {left}." if left else told


def _text_of(proposal: Mapping[str, Any]) -> str:
    from indexer.organize import plan as plans

    actions = tuple(
        plans.Action(
            word=each["word"],
            id=each["id"],
            source=os.fsencode(each["source"]),
            target=os.fsencode(each["target"]),
            kept=os.fsencode(each["kept"]),
            remark=plans.remark(each["size_bytes"], each["mtime_ns"], each["reason"]),
        )
        for each in proposal["actions"]
    )
    plan = plans.Plan(base=_base(actions), into=tuple(map(os.fsencode, proposal["into"])), actions=actions)
    notes = [f"Never touched: {count:,} {reason}." for reason, count in proposal["left_out"]]
    return plans.write(plan, notes=notes)


def _base(actions: Iterable[Any]) -> bytes:
    """The folder around all files of a plan; b"" when that is the root of the file system."""
    folders = {os.path.dirname(path) for each in actions for path in (each.source, each.target) if path}
    base = os.path.commonpath(folders) if folders else b"/"
    return b"" if base == b"/" else base


def _write_new(path: str, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"There is a file {path} already.", hint="Name a new one for the plan.") from None
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}.") from exc
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


# --- applying --------------------------------------------------------------------------------------


def _apply_file(settings: Settings, path: str, *, dry_run: bool) -> int:
    from indexer.organize.plan import MAX_BYTES, read

    try:
        content = sys.stdin.buffer.read(MAX_BYTES) if path == "-" else Path(path).read_bytes()
    except OSError as exc:
        raise UsageError(f"The plan {path} cannot be read: {exc.strerror}.") from exc
    plan = read(content)
    with settings.open() as library:
        checked = _checked(settings, plan, _bounds(library))
        if dry_run:
            return _tell_checked(settings, checked)
        return _tell(settings, _apply(settings, library, checked))


def _bounds(library: Caller) -> Bounds:
    from indexer.organize.check import Bounds

    told = library.call("organize", request={"nothing": True})
    return Bounds(roots=tuple(map(os.fsencode, told["roots"])), never=(os.fsencode(told["library"]),))


def _checked(settings: Settings, plan: Plan, bounds: Bounds) -> Checked:
    from indexer.organize.check import check

    total = sum(each.word != "keep" for each in plan.actions)
    with _progress(settings, "checking") as seen:
        return check(plan, bounds, seen=lambda count: seen(count, total))


def _apply(settings: Settings, library: Caller, checked: Checked) -> Outcome:
    with _telling_of_ctrl_c(), _progress(settings, "applying") as seen:
        outcome = _runs(settings).apply(checked, seen=seen)
    _catch_up(library, outcome.transfers)
    return outcome


@contextmanager
def _telling_of_ctrl_c() -> Iterator[None]:
    """Who stops a run in its middle is told at once how it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(
            "\nStopped in the middle: 'quire organize --resume' finishes it, --rollback takes it back.",
            err=True,
        )
        raise


def _runs(settings: Settings) -> Runs:
    from indexer.organize.runs import Runs

    return Runs(settings.place().library)


@contextmanager
def _progress(settings: Settings, label: str) -> Iterator[Callable[[int, int], None]]:
    """Tells of work that takes long, where somebody watches."""
    if settings.quiet or settings.json or not on_terminal(sys.stderr):
        yield lambda done, of: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def seen(done: int, of: int) -> None:
            bar.length = max(of, 1)
            bar.update(done - bar.pos)

        yield seen


def _catch_up(library: Caller, transfers: Iterable[Transfer]) -> None:
    """Let the library see the new names now, so that the next command finds files under them."""
    touched = {os.path.dirname(path) for each in transfers for path in (each.source, each.target)}
    told = library.call("organize", request={"nothing": True})
    roots = [os.fsencode(root) for root in told["roots"]]
    folders = [
        folder
        for folder in sorted(touched)
        if any((folder + b"/").startswith(root + b"/") for root in roots)
        and Path(os.fsdecode(folder)).is_dir()
    ]
    if not folders:
        return
    paths = [os.fsdecode(folder) for folder in folders] if len(folders) <= 200 else []
    try:
        for _ in library.stream("sync", paths=paths, keyword_only=True):
            pass
    except AppError:
        return  # what was done is done; the watcher sees it by itself


# --- telling ---------------------------------------------------------------------------------------


def _tell(settings: Settings, outcome: Outcome) -> int:
    if settings.json:
        output.print_json(_outcome_json(outcome))
    else:
        for line in (*_left_lines(outcome.left), *_outcome_lines(outcome)):
            click.echo(line)
    if outcome.state == "rolled back":
        return 3
    return 1 if outcome.left or outcome.state == "nothing" else 0


def _outcome_lines(outcome: Outcome) -> Iterator[str]:
    if outcome.state == "rolled back":
        yield f"Nothing was changed: {safe_text(outcome.problem)} What had been done was taken back."
    elif outcome.state == "nothing":
        yield "Nothing was changed."
    elif outcome.state == "applied":
        yield f"{_counts(outcome.transfers)}. 'quire undo' takes it back (run {outcome.run})."
    else:
        yield f"Run {outcome.run} is undone: {_count(len(outcome.transfers), 'file')} back."


def _counts(transfers: Iterable[Transfer]) -> str:
    counts = Counter(each.verb for each in transfers)
    return ", ".join(f"{counts[verb]:,} {word}" for verb, word in _DONE.items() if counts[verb]) or "nothing"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _left_lines(left: Iterable[Left]) -> Iterator[str]:
    left = list(left)
    for each in left[:_SHOWN]:
        line = f" (line {each.line})" if each.line else ""
        reason = safe_text(each.reason, single_line=True)
        yield f"left alone: {output.shown_path(os.fsdecode(each.path))}: {reason}{line}"
    if len(left) > _SHOWN:
        yield f"left alone: {len(left) - _SHOWN:,} more; --json names them"


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "run": outcome.run,
        "state": outcome.state,
        "done": [_transfer_json(each) for each in outcome.transfers],
        "left": _left_json(outcome.left),
        "problem": outcome.problem,
    }


def _transfer_json(transfer: Transfer) -> dict[str, Any]:
    return {
        "action": transfer.verb,
        "path": os.fsdecode(transfer.source),
        "to": os.fsdecode(transfer.target),
        "size_bytes": transfer.mark.size,
    }


def _left_json(left: Iterable[Left]) -> list[dict[str, Any]]:
    return [{"path": os.fsdecode(each.path), "reason": each.reason, "line": each.line} for each in left]


def _tell_checked(settings: Settings, checked: Checked) -> int:
    if settings.json:
        would = [_transfer_json(each) for each in checked.transfers]
        output.print_json({"state": "checked", "would": would, "left": _left_json(checked.left)})
    else:
        for line in _left_lines(checked.left):
            click.echo(line)
        click.echo(f"Would be done: {_counts(checked.transfers)}. Nothing was changed.")
    return 1 if checked.left or not checked.transfers else 0


# --- with an editor --------------------------------------------------------------------------------


def _edit_and_apply(settings: Settings, library: Caller, proposal: Mapping[str, Any]) -> int:
    runs = _runs(settings)
    if runs.interrupted():
        return _ask_interrupted(settings, runs)
    path = settings.place().library / "organize" / "plan.txt"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    _write_new(str(path), _text_of(proposal))
    while _edited(path):
        checked = _read_edited(settings, library, path)
        choice = _ask(checked)
        if choice == "y" and checked is not None:
            return _tell(settings, _apply(settings, library, checked))
        if choice != "e":
            break
    settings.note(f"Nothing was changed. The plan is kept: 'quire organize --apply {path}'.")
    return 0


def _edited(path: Path) -> bool:
    """Run the editor; False when it says that it was given up."""
    import subprocess

    from tui.viewers import editor

    viewer = editor(str(path), 1, os.environ)
    try:
        return subprocess.run(viewer.command, check=False).returncode == 0
    except OSError as exc:
        raise UsageError(
            f"The editor {viewer.name} cannot be started: {exc.strerror}.",
            hint="Set EDITOR, or write the plan with --plan FILE.",
        ) from exc


def _read_edited(settings: Settings, library: Caller, path: Path) -> Checked | None:
    """The plan as it is now, checked and told; None when it has faults, which are told."""
    from indexer.organize.plan import PlanError, read

    try:
        checked = _checked(settings, read(path.read_bytes()), _bounds(library))
    except PlanError as exc:
        click.echo(safe_text(exc.message), err=True)
        return None
    for line in _left_lines(checked.left):
        click.echo(line)
    click.echo(f"To be done: {_counts(checked.transfers)}.")
    return checked


def _ask(checked: Checked | None) -> str:
    if checked is not None and not checked.transfers:
        return "n"
    question = "Do it? [y]es, [e]dit again, [N]o" if checked is not None else "[e]dit again, or [N]o"
    answer: str = click.prompt(question, default="n", show_default=False, err=True)
    return answer.strip().lower()[:1]


# --- what was interrupted, and undoing -------------------------------------------------------------


def _ask_interrupted(settings: Settings, runs: Runs) -> int:
    click.echo(f"{runs.interrupted()} was interrupted and is half done.", err=True)
    answer = click.prompt(
        "[f]inish it, [t]ake it back, or [N]othing now", default="n", show_default=False, err=True
    )
    choice = answer.strip().lower()[:1]
    return _end_interrupted(settings, resume=choice == "f") if choice in ("f", "t") else 1


def _end_interrupted(settings: Settings, *, resume: bool) -> int:
    runs = _runs(settings)
    what = runs.interrupted()
    if what:
        settings.note(f"{what} is {'finished' if resume else 'taken back'} now.")
    with settings.open() as library:
        with _telling_of_ctrl_c(), _progress(settings, "resuming" if resume else "taking back") as seen:
            outcome = runs.resume(seen=seen) if resume else runs.rollback(seen=seen)
        _catch_up(library, outcome.transfers)
    code = _tell(settings, outcome)
    return 0 if not resume and code == 3 and not outcome.left else code


@click.command(cls=Command)
@click.argument("run", metavar="[N|list]", required=False, default="")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done.")
@click.pass_obj
def undo(settings: Settings, run: str, dry_run: bool) -> int:
    """Take back the last plan that was applied, or run N; 'list' lists them.

    A file that has changed since, or whose old place is taken, is left alone and named.
    """
    if run == "list":
        return _list_runs(settings)
    if run and not run.isdecimal():
        raise UsageError(f"'{run}' is no run.", hint="'quire undo list' lists them.")
    if dry_run:
        outcome = _runs(settings).undo(int(run or 0), dry_run=True)
        return _tell_would(settings, outcome)
    with settings.open() as library:
        with _telling_of_ctrl_c(), _progress(settings, "undoing") as seen:
            outcome = _runs(settings).undo(int(run or 0), seen=seen)
        _catch_up(library, outcome.transfers)
    return _tell(settings, outcome)


def _tell_would(settings: Settings, outcome: Outcome) -> int:
    if settings.json:
        output.print_json({**_outcome_json(outcome), "state": "checked"})
    else:
        for line in _left_lines(outcome.left):
            click.echo(line)
        count = _count(len(outcome.transfers), "file")
        click.echo(f"Run {outcome.run}: {count} would go back. Nothing was changed.")
    return 0 if outcome.transfers and not outcome.left else 1


def _list_runs(settings: Settings) -> int:
    runs = _runs(settings).applied()
    if settings.json:
        fields = ("number", "made", "files", "state", "remaining")
        output.print_json({"runs": [{name: getattr(each, name) for name in fields} for each in runs]})
    else:
        for each in runs:
            made = each.made.replace("T", " ")
            click.echo(f"{each.number:4d}  {made}  {_count(each.files, 'file'):>12}  {each.state}")
    if not runs:
        settings.note("No plan was applied yet.")
    return 0 if runs else 1
