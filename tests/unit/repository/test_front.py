"""front.yaml, CloudFront and the firewall before the HTTP API: it refuses early, mixes no keys, and is the only way."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import pytest
from samtranslator.yaml_helper import yaml_parse

from tests.fakes.clock import FakeClock
from tests.helpers.template import FUNCTIONS, NO_VALUE, RESOURCES, ROOT, TEMPLATE, holds, resolved
from vectorgate.api.errors import TooManyRequests, Unauthenticated
from vectorgate.api.http import Request
from vectorgate.auth.authenticate import Authenticator, presented_key

FRONT: Final[dict[str, Any]] = yaml_parse((ROOT / "front.yaml").read_text())
FIREWALL: Final[dict[str, Any]] = FRONT["Resources"]["Firewall"]["Properties"]
CONFIG: Final[dict[str, Any]] = FRONT["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
RULES: Final = {rule["Name"]: rule for rule in FIREWALL["Rules"]}
# What CloudFront keeps for ten seconds if nothing else is said (DeveloperGuide/HTTPStatusCodes.html).
KEPT: Final = {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
CLOSED: Final = {"DomainTruststore": "s3://bucket/ca.pem", "DomainName": "o.example.com", "DefaultEndpoint": "off"}


def test_the_firewalls_answers_are_the_gateways_own() -> None:
    bodies = {name: json.loads(each["Content"]) for name, each in FIREWALL["CustomResponseBodies"].items()}
    with pytest.raises(Unauthenticated) as refused:
        Authenticator(None, FakeClock()).authenticate(None)  # type: ignore[arg-type]  # no key is read
    assert bodies["NoKey"] == refused.value.envelope()
    assert bodies["TooMany"]["error"]["type"] == TooManyRequests.type
    assert bodies["TooMany"]["error"].keys() == bodies["NoKey"]["error"].keys()
    answers = {
        name: rule["Action"]["Block"]["CustomResponse"] for name, rule in RULES.items() if "Block" in rule["Action"]
    }
    assert {name: (each["ResponseCode"], each["CustomResponseBodyKey"]) for name, each in answers.items()} == {
        "requests": (429, "TooMany"),
        "requests-without-key": (429, "TooMany"),
        "calls-without-key": (401, "NoKey"),
    }


def test_a_key_is_looked_for_where_the_gateway_looks_for_one() -> None:
    missing = RULES["label-without-key"]["Statement"]["NotStatement"]["Statement"]["OrStatement"]["Statements"]
    headers = {each["SizeConstraintStatement"]["FieldToMatch"]["SingleHeader"]["Name"] for each in missing}
    for name in headers:
        assert presented_key(Request(method="GET", path="/", headers={name: "Bearer sk-1"})) is not None
    parts = FRONT["Resources"]["CachePolicy"]["Properties"]["CachePolicyConfig"]
    key = parts["ParametersInCacheKeyAndForwardedToOrigin"]
    assert headers < {name.lower() for name in key["HeadersConfig"]["Headers"]}
    assert key["QueryStringsConfig"] == {"QueryStringBehavior": "all"}
    assert (parts["MinTTL"], parts["DefaultTTL"]) == (0, 0)


def test_requests_are_counted_by_address_and_those_without_a_key_apart() -> None:
    (label,) = RULES["label-without-key"]["RuleLabels"]
    every, without_key = (
        RULES[name]["Statement"]["RateBasedStatement"] for name in ("requests", "requests-without-key")
    )
    assert every["AggregateKeyType"] == without_key["AggregateKeyType"] == "IP"
    assert without_key["ScopeDownStatement"] == {"LabelMatchStatement": {"Scope": "LABEL", "Key": label["Name"]}}
    for limit in (every["Limit"], without_key["Limit"]):
        assert FRONT["Parameters"][limit["Ref"]]["MinValue"] >= 10  # the least that AWS takes
    priorities = [rule["Priority"] for rule in FIREWALL["Rules"]]
    assert priorities == sorted(set(priorities))
    assert RULES["label-without-key"]["Priority"] == priorities[0]  # before the rules that read its label


def test_no_answer_of_one_key_is_kept_for_another() -> None:
    assert {each["ErrorCode"]: each["ErrorCachingMinTTL"] for each in CONFIG["CustomErrorResponses"]} == dict.fromkeys(
        KEPT, 0
    )
    behavior = CONFIG["DefaultCacheBehavior"]
    assert behavior["CachePolicyId"] == {"Ref": "CachePolicy"}
    assert behavior["ViewerProtocolPolicy"] == "https-only"
    assert len(behavior["AllowedMethods"]) == 7


def test_cloudfront_waits_for_as_long_as_the_api_and_shows_it_a_certificate() -> None:
    (origin,) = CONFIG["Origins"]
    custom = origin["CustomOriginConfig"]
    assert FUNCTIONS["Api"]["Timeout"] < custom["OriginReadTimeout"] <= 60
    assert custom["OriginMtlsConfig"] == {"ClientCertificateArn": {"Ref": "OriginClientCertificateArn"}}
    assert custom["OriginProtocolPolicy"] == "https-only"
    assert (FIREWALL["Scope"], CONFIG["WebACLId"]) == ("CLOUDFRONT", {"Fn::GetAtt": ["Firewall", "Arn"]})
    for name in ("CertificateArn", "OriginClientCertificateArn"):
        pattern = FRONT["Parameters"][name]["AllowedPattern"]
        assert re.fullmatch(pattern, "arn:aws:acm:us-east-1:123456789012:certificate/1-2")
        assert not re.fullmatch(pattern, "arn:aws:acm:eu-central-1:123456789012:certificate/1-2")


def test_the_api_asks_for_that_certificate_and_has_no_other_way_in() -> None:
    domain = RESOURCES["Domain"]["Properties"]["MutualTlsAuthentication"]
    assert resolved(domain, {}) is NO_VALUE
    assert resolved(domain, CLOSED) == {"TruststoreUri": CLOSED["DomainTruststore"]}
    rule = TEMPLATE["Rules"]["NoWayAroundTheTruststore"]
    assert not holds(rule["RuleCondition"], {})
    assert holds(rule["RuleCondition"], CLOSED)
    for missing in ({"DomainName": ""}, {"DefaultEndpoint": "on"}, {"StreamingUrl": "on"}):
        assert not all(holds(each["Assert"], CLOSED | missing) for each in rule["Assertions"])
    assert all(holds(each["Assert"], CLOSED) for each in rule["Assertions"])
