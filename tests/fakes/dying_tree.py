"""A tree on a machine that loses power, or whose disk fills up, at a chosen step."""

from pathlib import Path

from pppgen.errors import NoPermission
from pppgen.system.files import Snapshot, Tree


class PowerCut(BaseException):
    """Nothing can catch this one and tidy up, as nothing can in a real power cut."""


class DyingTree(Tree):
    """Does `steps` changes to the disk, then dies before the next one."""

    def __init__(self, root: Path, steps: int, death: type[BaseException] = PowerCut) -> None:
        super().__init__(root)
        self.left = steps
        self.death = death

    def stage(self, path: str, wanted: Snapshot) -> None:
        self._live()
        super().stage(path, wanted)

    def commit(self, path: str) -> None:
        self._live()
        super().commit(path)

    def remove(self, path: str) -> None:
        self._live()
        super().remove(path)

    def make_directory(self, path: str) -> None:
        self._live()
        super().make_directory(path)

    def remove_directory(self, path: str) -> None:
        self._live()
        super().remove_directory(path)

    def _live(self) -> None:
        self.left -= 1
        if self.left == -1:  # once: a full disk lets us tidy up
            raise NoPermission("no space left on device") if self.death is NoPermission else self.death
