"""`make demo`: everything on this machine, in one foreground process that stops it all when it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from dev.embedded import keys, leftovers, ports, programs
from dev.embedded.folders import CHECKOUT, Folders
from dev.embedded.only_one import only_one, running
from dev.embedded.parent import Parent
from dev.embedded.ports import LOOPBACK
from dev.embedded.postgres import OWNER, Cluster
from dev.embedded.preparation import Preparation, Stamp
from dev.embedded.rootless import launcher
from dev.embedded.supervision import Supervisor
from dev.embedded.valkey import Valkey

_DEFAULT_PORT = 8000
_OWNER_URL = "DATABASE_OWNER_URL"
# Far longer than any machine needs: what cannot start is given up by the supervisor, and found, long before.
_READY_WITHIN_S = 180
_LOOK_EVERY_S = 0.05


class DemoFailed(Exception):
    """The demo could not start or go on; the message says why and what to do."""


class _Stop(BaseException):
    """Somebody wants us to end: Ctrl-C, SIGTERM, SIGHUP, or the end of the make that started us."""


class Demo:
    """The demo of one checkout."""

    def __init__(self, *, folders: Folders, web_port: int) -> None:
        self.folders = folders
        self.web_port = web_port
        self.secrets = keys.kept(file=folders.secrets)
        self.ports = ports.kept(file=folders.ports, names=programs.port_names(), above=web_port)
        self.cluster = None if os.environ.get("DATABASE_URL") else self._cluster()
        self.valkey = None if os.environ.get("REDIS_URL") else self._valkey()
        self.supervisor = Supervisor(
            folders=folders, port=self.ports["supervisor"], password=self.secrets["supervisor"]
        )
        self._programs: dict[str, programs.Program] = {}
        self._preparation: Preparation | None = None
        self._parent = Parent()
        self._began = time.monotonic()

    @property
    def mailbox_url(self) -> str:
        """The page with all mails and text messages."""
        return f"http://{LOOPBACK}:{self.ports['mailbox']}"

    @property
    def terminal_url(self) -> str:
        """Where the till's screen is."""
        return f"http://{LOOPBACK}:{self.ports['terminal']}"

    def environment(self) -> dict[str, str]:
        """The environment of every process: our defaults, over them what the caller has set, then what must be so."""
        defaults = {
            **{name: self.secrets[name] for name in ("SECRET_KEY", "PERSONAL_DATA_KEY", "SEARCH_KEY", "AUDIT_KEY")},
            # A name: browsers make no passkeys for an address.
            "BASE_URL": f"http://localhost:{self.web_port}",
            "SECURE": "false",
            # Celery would import every page to check it; the preparation and `make check` look at what matters.
            "CELERY_SKIP_CHECKS": "1",
            "SMTP_HOST": LOOPBACK,
            "SMTP_PORT": str(self.ports["smtp"]),
            "SMS_PROVIDER": "outbox",
            "SMS_OUTBOX_URL": self.mailbox_url,
            "MAILBOX_URL": self.mailbox_url,
            "TERMINAL_URL": self.terminal_url,
            "STAND_INS_DIR": str(self.folders.simulators),
            # Whoever tries webhooks out listens on this machine.
            "WEBHOOKS_TO_LOOPBACK": "true",
        }
        fixed = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "VAR_DIR": str(self.folders.var),
            "PYTHONUNBUFFERED": "1",
            leftovers.MARK: str(self.folders.var),
        }
        if self.cluster:
            fixed["DATABASE_URL"] = self.cluster.url
        if self.valkey:
            fixed["REDIS_URL"] = self.valkey.url
        # Whoever serves or works has no use for the owner's password.
        return {name: value for name, value in (defaults | os.environ | fixed).items() if name != _OWNER_URL}

    def _owner(self) -> dict[str, str]:
        """What migrations have besides."""
        if self.cluster:
            return {_OWNER_URL: self.cluster.owner_url}
        return {_OWNER_URL: os.environ[_OWNER_URL]} if _OWNER_URL in os.environ else {}

    def run(self, *, only_simulators: bool = False) -> None:
        """Start, say that it is ready, and stay until somebody wants it to end; then stop everything.

        Raises:
            DemoFailed: something did not start, or the supervisor died. All is stopped then, too.
        """
        with _stop_signals_raise():
            try:
                if only_simulators:
                    self._start_stand_ins_only()
                else:
                    self._start()
                self._stay()
            except _Stop:
                _say("\nstopping ...")
                self._stop()
                _say(f"stopped; the data stays in {self.folders.var}")
            finally:
                self._stop()

    def _stop(self) -> None:
        _ignore_stop_signals()
        if self._preparation:
            self._preparation.stop()
        self.supervisor.stop()
        leftovers.end_leftovers(var=self.folders.var)

    # --- starting -------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        # Before anything else: it needs longest until it can begin.
        environment = self.environment() | self._owner()
        preparation = Preparation(log=self.folders.log / "prepare.log", env=environment)
        self._preparation = preparation
        self._prepare_services()
        stand_ins = programs.stand_ins(folders=self.folders, ports=self.ports)
        services = programs.services(cluster=self.cluster, valkey=self.valkey)
        application, beat = programs.application(folders=self.folders, port=self.web_port)
        self._launch([*services, *stand_ins, *application, beat])
        self._start_programs([*services, *stand_ins])
        if self.cluster:
            self.cluster.wait_until_ready(timeout_s=30)
            self.cluster.ensure_database()
        if self.valkey:
            self.valkey.wait_until_ready(timeout_s=30)
        preparation.tell("services")
        # Most starts find everything as the last one left it; then web and worker need not wait for the look at it.
        stamp = Stamp(file=self.folders.prepared, cluster=self.cluster.folder) if self.cluster else None
        is_prepared = stamp is not None and stamp.is_current()
        self._wait_for_preparation(lambda: preparation.has_said("begun"), what="the preparation to begin")
        if is_prepared:
            self._start_programs(application)
        self._wait_for_stand_ins()
        preparation.tell("stand-ins")
        self._tell_step("database, broker, channel simulators and mailbox are up")
        self._wait_for_preparation(lambda: preparation.has_said("migrated"), what="the database to be migrated")
        self._tell_step("database is migrated, loading sample data")
        if not is_prepared:
            self._start_programs(application)
        if stamp:
            stamp.renew()
        self._wait_for_preparation(lambda: preparation.is_done, what="the sample data")
        # Last, for it only sends wake-up messages; yet before we wait: a worker that was ready long ago is asked for a new sign
        # of life.
        self._start_programs([beat])
        self._wait_until(self._web_is_ready, what="the web to answer /readyz", program="web")
        _say(_ready_text(demo=self))

    def _start_stand_ins_only(self) -> None:
        stand_ins = programs.stand_ins(folders=self.folders, ports=self.ports)
        self._launch(stand_ins)
        self._start_programs(stand_ins)
        self._wait_for_stand_ins()
        for name in programs.installed_channels():
            _say(
                f"  {name:<10} http://{LOOPBACK}:{self.ports[name]}   control http://{LOOPBACK}:"
                f"{self.ports[f'{name}-control']}   {self._account(name)}"
            )
        _say(f"  {'mailbox':<10} {self.mailbox_url}   smtp {LOOPBACK}:{self.ports['smtp']}\nCtrl-C stops them.")

    def _prepare_services(self) -> None:
        if self.cluster:
            if not self.cluster.is_initialised:
                _say("making the database cluster (first start)")
                self.cluster.initialise()
            self.cluster.recover_from_kill()
        if self.valkey:
            self.valkey.initialise()

    def _launch(self, all_programs: list[programs.Program]) -> None:
        for name in programs.installed_channels():
            # Written again when the simulator is ready: its presence is the sign.
            self._account(name).unlink(missing_ok=True)
        environment = self.environment()
        ours = {name: value for name, value in environment.items() if os.environ.get(name) != value}
        keys.write_private(file=self.folders.environment, text=json.dumps(ours, indent=2) + "\n")
        self._programs = {program.name: program for program in all_programs}
        self.supervisor.launch(programs=all_programs, env=environment)
        self._wait_until(self.supervisor.answers, what="the supervisor", program="supervisord")

    def _wait_for_stand_ins(self) -> None:
        for name in programs.installed_channels():
            self._wait_until(self._account(name).exists, what=f"the {name} simulator", program=f"simulator-{name}")
        self._wait_until(lambda: not ports.is_free(port=self.ports["mailbox"]), what="the mailbox", program="mailbox")

    def _start_programs(self, wanted: Sequence[programs.Program]) -> None:
        for program in wanted:
            self.supervisor.start(program=program)

    def _wait_for_preparation(self, condition: Callable[[], bool], *, what: str) -> None:
        """Without a limit of time: sample data on a slow machine are no fault."""
        assert self._preparation is not None
        while not condition():
            if self._preparation.has_failed:
                raise DemoFailed(
                    self._preparation.refusal() or f"Waiting for {what} failed.\n{_tail(self._preparation.log)}"
                )
            self._pause(seconds=_LOOK_EVERY_S)

    # --- staying --------------------------------------------------------------------------------------------------

    def _stay(self) -> None:
        reported: set[str] = set()
        checked_at = time.monotonic()
        while True:
            self._pause(seconds=1)
            if time.monotonic() - checked_at < 10:
                continue
            checked_at = time.monotonic()
            states = self.supervisor.states()
            for name in sorted(name for name, state in states.items() if state == "FATAL"):
                if name not in reported:
                    _say(
                        f"{name} keeps failing; it is tried again and again.\n{_tail(self.folders.log / f'{name}.log')}"
                    )
                # What was wrong (a full disk, say) may be over: the supervisor has given up, we do not.
                self.supervisor.start_again(program=self._programs[name])
                reported.add(name)
            reported = {name for name in reported if states.get(name) != "RUNNING"}

    def _wait_until(self, condition: Callable[[], object], *, what: str, program: str) -> None:
        deadline = time.monotonic() + _READY_WITHIN_S
        looked_at = 0.0
        while not condition():
            if time.monotonic() > looked_at + 1:
                looked_at = time.monotonic()
                failed = self.supervisor.states().get(program) == "FATAL"
                if failed or looked_at > deadline:
                    reason = "failed" if failed else f"took longer than {_READY_WITHIN_S} s"
                    raise DemoFailed(f"Waiting for {what} {reason}.\n{_tail(self.folders.log / f'{program}.log')}")
            self._pause(seconds=_LOOK_EVERY_S)

    def _pause(self, *, seconds: float) -> None:
        time.sleep(seconds)
        if self._parent.wants_us_to_stop():
            raise _Stop
        if not self.supervisor.is_alive:
            said = [_tail(self.folders.log / name) for name in ("supervisord-events.log", "supervisord.log")]
            raise DemoFailed("\n".join(["The supervisor has died.", *said]))

    def _web_is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.web_port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _tell_step(self, text: str) -> None:
        _say(f"  {time.monotonic() - self._began:5.1f} s  {text}")

    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    # --- parts ----------------------------------------------------------------------------------------------------

    def _account(self, channel: str) -> Path:
        return self.folders.simulators / channel / "account.json"

    def _cluster(self) -> Cluster:
        return Cluster(
            folder=self.folders.postgres,
            port=self.ports["postgres"],
            superuser_password=self.secrets["postgres_superuser"],
            owner_password=self.secrets["postgres_owner"],
            application_password=self.secrets["postgres_application"],
            launcher=launcher(),
        )

    def _valkey(self) -> Valkey:
        return Valkey(folder=self.folders.valkey, port=self.ports["valkey"], password=self.secrets["valkey"])


def run(*, only_simulators: bool = False) -> None:
    """Run the demo of this checkout in the foreground.

    Raises:
        DemoFailed: it is running already, the port is taken, or something did not start.
    """
    folders = Folders.of_this_checkout()
    folders.create()
    web_port = _wanted_port()
    with only_one(folders=folders, web_port=web_port):
        if ended := leftovers.end_leftovers(var=folders.var):
            _say(f"ended {ended} processes that an earlier start had left behind")
        if not only_simulators and not ports.is_free(port=web_port):
            who = leftovers.listening(port=web_port) or "another program"
            raise DemoFailed(f"Port {web_port} is taken by {who}. Choose another one: make demo PORT={web_port + 100}")
        Demo(folders=folders, web_port=web_port).run(only_simulators=only_simulators)


def run_beside(*, argv: list[str]) -> int:
    """Run a command with the environment of the demo that is running here.

    Returns:
        The command's exit status.

    Raises:
        DemoFailed: none is running.
    """
    folders = Folders.of_this_checkout()
    if running(folders=folders) is None:
        raise DemoFailed("The demo is not running here. Start it with: make demo")
    environment = json.loads(folders.environment.read_text())
    # It is the caller's, not the demo's: what ends the demo or its leftovers leaves it alone.
    environment.pop(leftovers.MARK, None)
    if url := environment.get("DATABASE_URL"):
        # Who works on the embedded database by hand may do what a migration may.
        login = f"{OWNER}:{keys.kept(file=folders.secrets)['postgres_owner']}"
        environment[_OWNER_URL] = url.replace(url.partition("://")[2].partition("@")[0], login, 1)
    return subprocess.run(argv, env=os.environ | environment, cwd=CHECKOUT, check=False).returncode


def status() -> int:
    """Print what is running here.

    Returns:
        0: the demo; 3: nothing; 4: what a demo that was killed has left behind, or one that is still stopping.
    """
    folders = Folders.of_this_checkout()
    found = running(folders=folders)
    if found is None:
        left = leftovers.described(var=folders.var)
        if not left:
            _say("not running")
            return 3
        _say(f"not running, but {len(left)} processes of an earlier start are still there; the next start ends them:")
        for line in left:
            _say(f"  {line}")
        return 4
    supervisor_port = json.loads(folders.ports.read_text())["supervisor"]
    supervisor = Supervisor(
        folders=folders, port=supervisor_port, password=keys.kept(file=folders.secrets)["supervisor"]
    )
    _say(f"running: {found.url} (pid {found.pid})")
    states = supervisor.states()
    for name, state in states.items():
        _say(f"  {name:<20} {state.lower()}")
    if not states:
        _say("  its supervisor does not answer: it is starting or stopping, or was killed a moment ago")
    return 0


def reset() -> None:
    """Put everything the demo keeps here aside, so that the next start begins with nothing.

    Raises:
        DemoFailed: the folder cannot be moved.
        AlreadyRunning: the demo is running.
    """
    folders = Folders.of_this_checkout()
    if not folders.var.exists():
        return
    folders.create()
    aside = folders.var.with_name(f"{folders.var.name}.old-{time.strftime('%Y%m%d-%H%M%S')}")
    with only_one(folders=folders, web_port=_wanted_port()):
        leftovers.end_leftovers(var=folders.var)
        try:
            folders.var.rename(aside)
        except OSError as error:
            raise DemoFailed(
                f"{folders.var} cannot be moved to {aside}: {error.strerror}. It stays as it is."
            ) from error
    _say(f"{folders.var} is now {aside}: delete it when nobody needs it any more")


# --- stopping -----------------------------------------------------------------------------------------------------

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _stop_signals_raise() -> Iterator[None]:
    def stop(_signum: int, _frame: FrameType | None) -> None:
        # From here on another Ctrl-C must not leave half of it running.
        _ignore_stop_signals()
        raise _Stop

    for signum in _STOP_SIGNALS:
        signal.signal(signum, stop)
    yield


def _ignore_stop_signals() -> None:
    def ignore(_signum: int, _frame: FrameType | None) -> None:
        """Not SIG_IGN: Python complains of a signal that arrives in the moment in which that is set."""

    for signum in _STOP_SIGNALS:
        signal.signal(signum, ignore)


# --- telling ------------------------------------------------------------------------------------------------------


def _wanted_port() -> int:
    text = os.environ.get("PORT") or str(_DEFAULT_PORT)
    if not text.isdecimal() or not 1 <= int(text) <= 65_000:
        raise DemoFailed(f"PORT={text} is not a port: a number from 1 to 65000 is.")
    return int(text)


def _ready_text(*, demo: Demo) -> str:
    found = json.loads(demo.folders.demo_json.read_text()) if demo.folders.demo_json.exists() else {}
    base_url = found.get("base_url", f"http://localhost:{demo.web_port}")
    lines = [
        "",
        f"RefundDesk is ready after {demo.elapsed_s():.1f} s: {base_url}",
        f"  desk       {base_url}/desk",
        f"  API        {base_url}/api/docs",
        f"  mailbox    {demo.mailbox_url}",
        f"  till       {demo.terminal_url}",
    ]
    for name, account in found.get("simulators", {}).items():
        lines.append(f"  {name:<10} {account.get('base_url')}   control {account.get('control_url')}")
    if staff := found.get("staff"):
        lines.append("  logins")
        lines += [f"    {who['merchant']} {who['role']:<9} {who['username']:<20} {who['password']}" for who in staff]
    if any("totp_secret" in who for who in found.get("staff", ())):
        lines.append("    M003 asks for a code as well: of an app with the totp_secret that stands in the file below")
    lines.append(f"  addresses, logins and API keys for scripts: {demo.folders.demo_json}")
    lines.append("Ctrl-C stops everything; the next start keeps the data.")
    return "\n".join(lines)


def _tail(log: Path, *, lines: int = 25) -> str:
    if not log.exists():
        return ""
    last = log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join([f"The end of {log}:", *(f"  {line}" for line in last)])


def _say(text: str) -> None:
    print(text, flush=True)
