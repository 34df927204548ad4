"""Reading the template without CloudFormation."""

from pathlib import Path

import pytest

from sandbox.local_aws import template as templates

TEXT = """
Resources:
  A:
    Properties:
      Short: !GetAtt B.Arn
      Long: !Sub "${AWS::Region}-${B}"
      Listed: [!Ref B, !Join [",", [!Ref B, c]]]
Parameters:
  Size: {Default: 8}
"""


@pytest.fixture
def template(tmp_path: Path) -> templates.Template:
    path = tmp_path / "template.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return templates.load(path)


def test_short_forms_are_read_as_their_functions(template: templates.Template) -> None:
    properties = templates.properties(template, "A")

    assert properties["Short"] == {"Fn::GetAtt": ["B", "Arn"]}
    assert properties["Listed"] == [{"Ref": "B"}, {"Fn::Join": [",", [{"Ref": "B"}, "c"]]}]


def test_known_names_are_put_in(template: templates.Template) -> None:
    known = {"B": "queue", "B.Arn": "arn:queue", "AWS::Region": "here"}

    resolved = templates.resolve(templates.properties(template, "A"), known)

    assert resolved == {"Short": "arn:queue", "Long": "here-queue", "Listed": ["queue", "queue,c"]}


def test_unknown_name_is_refused(template: templates.Template) -> None:
    with pytest.raises(KeyError, match="B"):
        templates.resolve(templates.properties(template, "A"), {})


def test_default_is_text(template: templates.Template) -> None:
    assert templates.default(template, "Size") == "8"
