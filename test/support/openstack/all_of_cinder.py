"""Cinder in one process: API, scheduler and volume service, on a message bus in memory (`transport_url=fake:/`)."""

# ruff: noqa: E402
import sys

import eventlet

eventlet.monkey_patch()

# As Cinder's own programs do: greenlets of a patched process must find themselves among the threads.
import __original_module_threading
import threading

__original_module_threading.current_thread.__globals__["_active"] = threading._active

from cinder import i18n

i18n.enable_lazy()

from cinder import context, coordination, objects, rpc, service, version
from cinder.common import config
from oslo_config import cfg
from oslo_log import log as logging
from oslo_service import service as oslo_service

CONF = cfg.CONF
BACKEND = "nfs1"

# Debian 12 pairs this Cinder with a security update of oslo.messaging that leaves `read_deleted` out of messages.
from_dict = context.RequestContext.from_dict.__func__
context.RequestContext.from_dict = classmethod(
    lambda cls, values: from_dict(cls, {"read_deleted": "no", **values})
)

objects.register_all()
CONF(sys.argv[1:], project="cinder", version=version.version_string())
config.set_middleware_defaults()
logging.setup(CONF, "cinder")
coordination.COORDINATOR.start()
rpc.init(CONF)

launcher = oslo_service.ServiceLauncher(CONF)
launcher.launch_service(service.Service.create(binary="cinder-scheduler"))
launcher.launch_service(
    service.Service.create(
        binary="cinder-volume", host=f"{CONF.host}@{BACKEND}", service_name=BACKEND, coordination=True
    )
)
launcher.launch_service(service.WSGIService("osapi_volume"))
launcher.wait()
