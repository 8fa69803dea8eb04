"""That Krita's own importer takes our zip, with a small plugin in place of the real one."""

from pathlib import Path

from editors.editor import Krita
from matted.editors.bundle import load, write_zip

SCRIPT = """
def main():
    from plugin_importer.plugin_importer import PluginImporter
    importer = PluginImporter(arguments[0], arguments[1], lambda plugin: True)
    report(imported=[plugin["name"] for plugin in importer.import_all()])
    yield 0
"""


def test_kritas_importer_takes_the_zip(krita: Krita, desk: Path):
    tree = desk / "tree"
    for name, text in {
        "matted.desktop": "[Desktop Entry]\nX-KDE-Library=matted\nName=Matted\nComment=Cut-outs\n",
        "matted.action": "<ActionCollection/>\n",
        "matted/__init__.py": "",
        "matted/icons/dot.svg": "<svg/>",
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    bundle = load("krita", tree)
    with (desk / "matted.zip").open("wb") as file:
        write_zip(bundle, file)
    (desk / "resources").mkdir()
    outcome = krita.run(SCRIPT, desk / "matted.zip", desk / "resources").good()
    assert outcome.report == {"imported": ["matted"]}
    for name, content in bundle.files.items():
        assert (desk / "resources" / "pykrita" / name).read_bytes() == content
