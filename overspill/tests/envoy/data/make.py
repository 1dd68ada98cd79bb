#!/usr/bin/env python3
"""Makes resources.json: the resources of the xDS test as JSON and as protobuf (`pip install xds-protos`)."""
import importlib, json
from google.protobuf import json_format

MODULES = {
    "Cluster": ("envoy.config.cluster.v3.cluster_pb2", "Cluster"),
    "Endpoints": ("envoy.config.endpoint.v3.endpoint_pb2", "ClusterLoadAssignment"),
    "Listener": ("envoy.config.listener.v3.listener_pb2", "Listener"),
    "Route": ("envoy.config.route.v3.route_pb2", "RouteConfiguration"),
}
for name in [
    "envoy.extensions.filters.network.http_connection_manager.v3.http_connection_manager_pb2",
    "envoy.extensions.filters.http.router.v3.router_pb2",
]:
    importlib.import_module(name)

ADS = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
TYPE = "type.googleapis.com/envoy.extensions.filters"


def at(address, port):
    return {"socket_address": {"address": address, "port_value": port}}


def cluster(name, timeout):
    return {"name": name, "type": "EDS", "connect_timeout": timeout,
            "eds_cluster_config": {"eds_config": ADS, "service_name": name}}


def endpoints(name, port):
    endpoint = {"endpoint": {"address": at("127.0.79.6", port)}}
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}


def listener(name):
    router = {"name": "router", "typed_config": {"@type": f"{TYPE}.http.router.v3.Router"}}
    manager = {"@type": f"{TYPE}.network.http_connection_manager.v3.HttpConnectionManager",
               "stat_prefix": name, "rds": {"route_config_name": name, "config_source": ADS},
               "http_filters": [router]}
    return {"name": name, "address": at("127.0.79.3", 15010),
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}


def route(name, to):
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": to}}]
    return {"name": name, "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]}


RESOURCES = {
    "a": ("Cluster", cluster("a", "1s")),
    "a, changed": ("Cluster", cluster("a", "2s")),
    "b": ("Cluster", cluster("b", "1s")),
    "bad": ("Cluster", cluster("bad", "0s")),
    "endpoints of a": ("Endpoints", endpoints("a", 15011)),
    "endpoints of b": ("Endpoints", endpoints("b", 15012)),
    "listener one": ("Listener", listener("one")),
    "listener two": ("Listener", listener("two")),
    "one to a": ("Route", route("one", "a")),
    "one to b": ("Route", route("one", "b")),
    "two to b": ("Route", route("two", "b")),
}
made = {}
for name, (kind, body) in RESOURCES.items():
    module, message = MODULES[kind]
    parsed = json_format.ParseDict(body, getattr(importlib.import_module(module), message)())
    made[name] = {"kind": kind, "body": body, "protobuf": parsed.SerializeToString(deterministic=True).hex()}
print(json.dumps(made, indent=1))
