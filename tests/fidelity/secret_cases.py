"""What the bridge asks of Secrets Manager, as numbered scripts."""

from typing import Any

from tests.fidelity.calling import Caller, Cases, refused

case = Cases("S")
TOKENS = [f"{at:0>32}" for at in range(6)]
MISSING = refused("ResourceNotFoundException")
WRONG = refused("InvalidRequestException")
EXISTS = refused("ResourceExistsException")


def written(aws: Caller, token: str, *stages: str) -> dict[str, Any]:
    told = {"ARN": "...", "Name": aws.secret_name, "VersionId": token}
    return told | ({"VersionStages": list(stages)} if stages else {})


def read(aws: Caller, token: str, text: str, *stages: str) -> dict[str, Any]:
    return written(aws, token, *stages) | {"SecretString": text, "CreatedDate": "..."}


@case(1, "a secret is created once")
def _(aws: Caller) -> None:
    aws.secret("get_secret_value", MISSING, VersionStage="AWSCURRENT")
    aws.secret("put_secret_value", MISSING, SecretString="one", ClientRequestToken=TOKENS[0])
    aws.secret("create_secret", written(aws, TOKENS[0]), SecretString="one", ClientRequestToken=TOKENS[0])
    aws.secret("create_secret", EXISTS, SecretString="two", ClientRequestToken=TOKENS[1])
    aws.secret("create_secret", written(aws, TOKENS[0]), SecretString="one", ClientRequestToken=TOKENS[0])
    aws.secret("get_secret_value", read(aws, TOKENS[0], "one", "AWSCURRENT"), VersionStage="AWSCURRENT")
    aws.secret("get_secret_value", MISSING, VersionStage="AWSPREVIOUS")


@case(2, "a new value becomes current, and the one before it previous")
def _(aws: Caller) -> None:
    aws.secret("create_secret", ..., SecretString="0", ClientRequestToken=TOKENS[0])
    for at in (1, 2):
        gives = written(aws, TOKENS[at], "AWSCURRENT")
        aws.secret("put_secret_value", gives, SecretString=str(at), ClientRequestToken=TOKENS[at])
    aws.secret("get_secret_value", read(aws, TOKENS[2], "2", "AWSCURRENT"), VersionStage="AWSCURRENT")
    aws.secret("get_secret_value", read(aws, TOKENS[2], "2", "AWSCURRENT"))
    aws.secret("get_secret_value", read(aws, TOKENS[1], "1", "AWSPREVIOUS"), VersionStage="AWSPREVIOUS")
    aws.secret("get_secret_value", read(aws, TOKENS[1], "1", "AWSPREVIOUS"), VersionId=TOKENS[1])
    aws.secret("get_secret_value", WRONG, VersionId=TOKENS[1], VersionStage="AWSCURRENT")
    aws.secret("get_secret_value", MISSING, VersionId=TOKENS[3])


@case(3, "a value that is put again under its token changes nothing")
def _(aws: Caller) -> None:
    aws.secret("create_secret", ..., SecretString="0", ClientRequestToken=TOKENS[0])
    for _ in range(2):
        gives = written(aws, TOKENS[1], "AWSCURRENT")
        aws.secret("put_secret_value", gives, SecretString="1", ClientRequestToken=TOKENS[1])
    aws.secret("get_secret_value", read(aws, TOKENS[0], "0", "AWSPREVIOUS"), VersionStage="AWSPREVIOUS")
    aws.secret("put_secret_value", EXISTS, SecretString="other", ClientRequestToken=TOKENS[1])
    aws.secret("put_secret_value", ..., SecretString="2", ClientRequestToken=TOKENS[2])
    gives = written(aws, TOKENS[1], "AWSPREVIOUS")
    aws.secret("put_secret_value", gives, SecretString="1", ClientRequestToken=TOKENS[1])
    aws.secret("get_secret_value", read(aws, TOKENS[2], "2", "AWSCURRENT"), VersionStage="AWSCURRENT")


@case(4, "a secret that is marked for deletion is out of reach, and its name is taken")
def _(aws: Caller) -> None:
    aws.secret("create_secret", ..., SecretString="0", ClientRequestToken=TOKENS[0])
    for days in (6, 31):
        aws.secret("delete_secret", refused("InvalidParameterException"), RecoveryWindowInDays=days)
    both = {"RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": True}
    aws.secret("delete_secret", refused("InvalidParameterException"), **both)
    gives = {"ARN": "...", "Name": aws.secret_name, "DeletionDate": "..."}
    aws.secret("delete_secret", gives, RecoveryWindowInDays=7)
    aws.secret("get_secret_value", WRONG, VersionStage="AWSCURRENT")
    aws.secret("put_secret_value", WRONG, SecretString="1", ClientRequestToken=TOKENS[1])
    aws.secret("create_secret", WRONG, SecretString="1", ClientRequestToken=TOKENS[1])
    aws.secret("delete_secret", ..., ForceDeleteWithoutRecovery=True)
    aws.secret("create_secret", ..., SecretString="1", ClientRequestToken=TOKENS[1])


@case(5, "a secret that is deleted for good is gone at once")
def _(aws: Caller) -> None:
    aws.secret("create_secret", ..., SecretString="0", ClientRequestToken=TOKENS[0])
    aws.secret("delete_secret", ..., ForceDeleteWithoutRecovery=True)
    aws.secret("get_secret_value", MISSING, VersionStage="AWSCURRENT")
    aws.secret("delete_secret", MISSING, RecoveryWindowInDays=7)
    aws.secret("create_secret", written(aws, TOKENS[1]), SecretString="1", ClientRequestToken=TOKENS[1])
    aws.secret("get_secret_value", read(aws, TOKENS[1], "1", "AWSCURRENT"), VersionStage="AWSCURRENT")
