"""pysaml2 as an identity provider: reads JSON, a question a line, and prints JSON, an answer a line.

Its one argument says what it is: entityId, ssoUrl, keyFile, certificateFile.
"""

import base64
import json
import logging
import sys
from functools import partial

import saml2.entity
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAME_FORMAT_URI, NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server
from saml2.sigver import pre_encryption_part, verify_redirect_signature

BINDINGS = [BINDING_HTTP_REDIRECT, BINDING_HTTP_POST]
AES_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


def configure(own, service_provider=None, must_sign=True):
    return IdPConfig().load({
        "entityid": own["entityId"],
        "key_file": own["keyFile"],
        "cert_file": own["certificateFile"],
        "xmlsec_binary": "/usr/bin/xmlsec1",
        "metadata": {"inline": [service_provider]} if service_provider else {},
        "service": {"idp": {
            "endpoints": {"single_sign_on_service": [(own["ssoUrl"], each) for each in BINDINGS]},
            "want_authn_requests_signed": must_sign,
            "policy": {"default": {"name_form": NAME_FORMAT_URI}},
        }},
    })


def metadata(own):
    return str(entity_descriptor(configure(own)))


def open_server(own, question):
    # of a signature beside the XML it knows nothing here: see accept
    is_beside = "SigAlg" in question.get("request", {})
    return Server(config=configure(own, question["serviceProvider"], must_sign=not is_beside))


def accept(server, request):
    """The request, when it is signed with a key that its sender's metadata names; else an exception."""
    binding = BINDING_HTTP_REDIRECT if "SigAlg" in request else BINDING_HTTP_POST
    message = server.parse_authn_request(request["SAMLRequest"], binding).message
    if binding == BINDING_HTTP_REDIRECT:
        keys = server.metadata.certs(message.issuer.text, "spsso", "signing")
        if not any(verify_redirect_signature(request, server.sec.sec_backend, key) for key in keys):
            raise ValueError("not signed as its sender signs")
    return message


def addressee(server, question):
    """Whom the response goes to, and which request it answers, if any."""
    if "request" in question:
        to = server.response_args(accept(server, question["request"]), [BINDING_HTTP_POST])
        return {name: to[name] for name in ("in_response_to", "sp_entity_id", "destination")}
    [entity_id] = server.metadata.keys()
    _, destination = server.pick_binding(
        "assertion_consumer_service", [BINDING_HTTP_POST], "spsso", entity_id=entity_id
    )
    return {"in_response_to": None, "sp_entity_id": entity_id, "destination": destination}


def respond(own, question):
    server = open_server(own, question)
    if question.get("authenticated"):  # it has no setting for that
        saml2.entity.pre_encryption_part = partial(pre_encryption_part, msg_enc=AES_GCM)
        server.sec.encrypt_assertion = partial(server.sec.encrypt_assertion, key_type="aes-256")
    response = server.create_authn_response(
        question["attributes"],
        name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=question["subject"]),
        authn={"class_ref": PASSWORD, "authn_auth": own["entityId"]},
        **addressee(server, question),
        **question.get("options", {}),
    )
    return base64.b64encode(str(response).encode()).decode()


def answer(own, question):
    saml2.entity.pre_encryption_part = pre_encryption_part
    try:
        return {"said": respond(own, question) if "serviceProvider" in question else metadata(own)}
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}"}


logging.disable()  # what is refused is answered, and no warning
for line in sys.stdin:
    print(json.dumps(answer(json.loads(sys.argv[1]), json.loads(line))), flush=True)
