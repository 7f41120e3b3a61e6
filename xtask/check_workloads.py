"""What no schema says about the manifests, once rendered: check_workloads.py VERSION FOLDER FILE...

VERSION is the workspace's, which the images have to have. The configurations in the ConfigMaps are written into FOLDER, and so are
the names of the variables that they may use, for `audit-log config check`. Each rule is then broken in a copy of each
manifest, to see that it is found.
"""
import copy
import pathlib
import re
import sys

import yaml

WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet"}
# What the Pod Security Standard `restricted` lets a pod mount.
RESTRICTED_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}
PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
OUR_IMAGE = "audit-log"
UNITS = {"s": 1, "m": 60, "h": 3600}


def get(value, path, default=None):
    for key in path.split("."):
        if not isinstance(value, dict) or key not in value:
            return default
        value = value[key]
    return value


def containers(pod):
    """All of them: those that end before the others start as well."""
    return pod.get("initContainers", []) + pod.get("containers", [])


def configuration(documents, pod, container):
    """The settings under `enterprise.audit` that a container of ours reads, and where they are mounted."""
    path = next((argument for argument in container.get("args", []) if argument.endswith(".yaml")), None)
    if path is None:
        return None
    folder, name = path.rsplit("/", 1)
    volume = next((mount["name"] for mount in container.get("volumeMounts", [])
                   if mount["mountPath"] == folder), None)
    maps = {volume["name"]: get(volume, "configMap.name") for volume in pod.get("volumes", [])}
    for document in documents:
        if document["kind"] == "ConfigMap" and document["metadata"]["name"] == maps.get(volume):
            inner = yaml.safe_load(document["data"].get(name, "")) or {}
            return get(inner, "enterprise.audit") or get(inner, "spec.enterprise.audit")
    return None


def paths(value):
    """Every absolute path in a configuration."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [path for item in value for path in paths(item)]
    return [value] if isinstance(value, str) and value.startswith("/") else []


def variables(value):
    return set(re.findall(r"\$\{(\w+)\}", yaml.safe_dump(value)))


def seconds(text):
    return int(text[:-1]) * UNITS[text[-1]]


def check_container(container, version):
    context = container.get("securityContext", {})
    if context.get("runAsNonRoot") is not True:
        yield "runAsNonRoot is not true"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    if context.get("readOnlyRootFilesystem") is not True:
        yield "readOnlyRootFilesystem is not true"
    if context.get("privileged"):
        yield "privileged"
    if get(context, "capabilities.drop") != ["ALL"] or get(context, "capabilities.add"):
        yield "capabilities are not dropped, all of them"
    if get(context, "seccompProfile.type") != "RuntimeDefault":
        yield "seccompProfile is not RuntimeDefault"
    for kind in ("requests", "limits"):
        for what in ("cpu", "memory"):
            if get(container, f"resources.{kind}.{what}") is None:
                yield f"no resources.{kind}.{what}"
    name, _, tag = container["image"].partition(":")
    if tag in ("", "latest"):
        yield "the image has no tag that stays"
    if name == OUR_IMAGE and tag != version:
        yield f"the image is of {tag}, the workspace of {version}"
    for port in container.get("ports", []):
        if port.get("hostPort"):
            yield "a port of the node"
    for mount in container.get("volumeMounts", []):
        if "subPath" in mount or "subPathExpr" in mount:
            yield f"{mount['mountPath']}: a subPath never changes, so there is no reload"


def check_probes(container, settings):
    if container["image"].startswith(OUR_IMAGE + ":") and "operations" not in (settings or {}):
        # Nothing there to ask.
        if any(probe in container for probe in PROBES):
            yield "probes, but no `operations` in its configuration"
        return
    ports = {port.get("name"): port["containerPort"] for port in container.get("ports", [])}
    for probe in PROBES:
        port = get(container, f"{probe}.httpGet.port")
        if port is None:
            yield f"no {probe}"
        elif isinstance(port, str) and port not in ports:
            yield f"{probe}: no port is called {port}"


def check_configuration(settings, pod, container):
    """Whether what the configuration names is there."""
    mounts = container.get("volumeMounts", [])
    listen = get(settings, "operations.listen")
    if listen is not None:
        ports = {port.get("name"): port["containerPort"] for port in container.get("ports", [])}
        if not listen.startswith("0.0.0.0:") or ports.get("operations") != int(listen.rsplit(":", 1)[1]):
            yield f"operations.listen is {listen}, where no probe comes"
    for path in paths(settings):
        mount = max(
            (mount for mount in mounts if f"{path}/".startswith(mount["mountPath"] + "/")),
            key=lambda mount: len(mount["mountPath"]), default=None,
        )
        if mount is None:
            yield f"{path} is on no volume"
            continue
        is_read = path.startswith("/etc/") or path in [source.get("path") for source in settings.get("sources", [])
                                                       if source["type"] == "file"]
        if is_read != bool(mount.get("readOnly")):
            yield f"{path} is on a volume that is {'not ' if is_read else ''}read-only"
    given = {variable["name"] for variable in container.get("env", [])}
    for name in sorted(variables(settings) - given):
        yield f"no variable {name}"
    drain = seconds(settings.get("drain_timeout", "10s"))
    if pod.get("terminationGracePeriodSeconds", 30) < drain + 10:
        yield f"killed before drain_timeout ({drain} s) and ten seconds more have passed"
    for source in settings.get("sources", []):
        is_local = source.get("listen", "127.0.0.1:").startswith("127.0.0.1:")
        if source["type"] == "http" and not is_local and "tls" not in source:
            yield "plain HTTP beyond the loopback"


def check_pod(pod, kind):
    if pod.get("automountServiceAccountToken") is not False:
        yield "automountServiceAccountToken is not false"
    if not pod.get("serviceAccountName"):
        yield "no serviceAccountName"
    if get(pod, "securityContext.runAsNonRoot") is not True:
        yield "runAsNonRoot of the pod is not true"
    if not get(pod, "securityContext.runAsUser") or not get(pod, "securityContext.runAsGroup"):
        yield "runs as no user or group by number, or as root's"
    if get(pod, "securityContext.seccompProfile.type") != "RuntimeDefault":
        yield "seccompProfile of the pod is not RuntimeDefault"
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield name
    for volume in pod.get("volumes", []):
        type_ = next(key for key in volume if key != "name")
        if type_ not in RESTRICTED_VOLUMES and (kind, type_) != ("DaemonSet", "hostPath"):
            yield f"volume {volume['name']}: {type_}"
        if type_ == "hostPath":
            if volume["hostPath"].get("type") != "Directory":
                yield f"volume {volume['name']}: made by the kubelet, as root's"
            writers = [mount for container in containers(pod) for mount in container.get("volumeMounts", [])
                       if mount["name"] == volume["name"] and not mount.get("readOnly")]
            if writers and volume["name"] != "journal":
                yield f"volume {volume['name']}: the node's files can be written"


def check_writers(document):
    """Never two writers on one journal, not even for a moment."""
    spec = document["spec"]
    if document["kind"] == "Deployment" and (spec.get("replicas") != 1 or get(spec, "strategy.type") != "Recreate"):
        yield "a Deployment of more than one pod at a time, now and then"
    if document["kind"] == "DaemonSet" and get(spec, "updateStrategy.rollingUpdate.maxSurge") != 0:
        yield "two pods on a node during an update"
    if document["kind"] == "StatefulSet" and not spec.get("volumeClaimTemplates"):
        yield "no volume of its own for each pod"
    for claim in spec.get("volumeClaimTemplates", []):
        if claim["spec"]["accessModes"] != ["ReadWriteOncePod"]:
            yield "the journal's volume is not ReadWriteOncePod"


def selects(selector, labels):
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def check_around(documents, pods):
    """Policies, Services, budgets and namespaces, by the pods that they are for."""
    of = {}
    for document in documents:
        of.setdefault(document["kind"], []).append(document)
    for document, pod, labels in pods:
        policies = [policy["spec"] for policy in of.get("NetworkPolicy", [])
                    if selects(get(policy, "spec.podSelector.matchLabels"), labels)]
        if not any(set(policy["policyTypes"]) == {"Ingress", "Egress"} for policy in policies):
            yield f"{document['kind']}: no NetworkPolicy for it in both directions"
        if document["kind"] != "DaemonSet" and document["spec"].get("replicas", 1) > 1:
            budgets = [get(budget, "spec.selector.matchLabels") for budget in of.get("PodDisruptionBudget", [])]
            if not any(selects(budget, labels) for budget in budgets):
                yield f"{document['kind']}: no PodDisruptionBudget"
        wanted = "privileged" if any("hostPath" in volume for volume in pod.get("volumes", [])) else "restricted"
        for namespace in of.get("Namespace", [{}]):
            enforced = get(namespace, "metadata.labels", {}).get("pod-security.kubernetes.io/enforce")
            if enforced != wanted:
                yield f"the namespace enforces {enforced}, expected {wanted}"
    for claim in of.get("PersistentVolumeClaim", []):
        if claim["spec"]["accessModes"] != ["ReadWriteOncePod"]:
            yield f"PersistentVolumeClaim {claim['metadata']['name']} is not ReadWriteOncePod"
    for kind, path in (("Service", "spec.selector"), ("PodDisruptionBudget", "spec.selector.matchLabels"),
                       ("NetworkPolicy", "spec.podSelector.matchLabels")):
        for document in of.get(kind, []):
            if not any(selects(get(document, path), labels) for _, _, labels in pods):
                yield f"{kind} {document['metadata']['name']} selects no pod"
    for service in of.get("Service", []):
        names = {port.get("name") for _, pod, labels in pods if selects(service["spec"]["selector"], labels)
                 for container in containers(pod) for port in container.get("ports", [])}
        for port in service["spec"]["ports"]:
            # A name that nobody has is right where the probes are missing for the same reason.
            if port["targetPort"] not in names and service["metadata"]["name"] != "audit-log-operations":
                yield f"Service {service['metadata']['name']}: no port is called {port['targetPort']}"


def pods_of(documents):
    return [(document, get(document, "spec.template.spec"), get(document, "spec.template.metadata.labels"))
            for document in documents if document["kind"] in WORKLOADS]


def findings(documents, version):
    pods = pods_of(documents)
    if not pods:
        yield "no workload"
    for document, pod, labels in pods:
        name = f"{document['kind']} {document['metadata']['name']}"
        if not selects(get(document, "spec.selector.matchLabels"), labels):
            yield f"{name}: the selector is not for its own pods"
        for finding in [*check_pod(pod, document["kind"]), *check_writers(document)]:
            yield f"{name}: {finding}"
        ours = 0
        for container in containers(pod):
            settings = None
            found = list(check_container(container, version))
            if container["image"].startswith(OUR_IMAGE + ":"):
                ours += 1
                settings = configuration(documents, pod, container)
                if settings is None:
                    found.append("no ConfigMap with its configuration")
                else:
                    found += check_configuration(settings, pod, container)
            found += check_probes(container, settings)
            yield from (f"{name}: container {container['name']}: {finding}" for finding in found)
        if ours != 1:
            yield f"{name}: {ours} containers of audit-log in a pod"
    yield from check_around(documents, pods)


def cases(documents):
    """Each rule broken: what was done, and the documents with it."""
    removed = [
        "pod.automountServiceAccountToken", "pod.securityContext", "pod.securityContext.runAsNonRoot",
        "pod.securityContext.runAsUser", "pod.securityContext.seccompProfile", "pod.serviceAccountName",
        "container.securityContext", "container.securityContext.runAsNonRoot",
        "container.securityContext.allowPrivilegeEscalation", "container.securityContext.readOnlyRootFilesystem",
        "container.securityContext.capabilities", "container.securityContext.seccompProfile",
        "container.resources", "container.resources.requests", "container.resources.limits",
        "container.resources.limits.memory",
        "container.startupProbe", "container.livenessProbe", "container.readinessProbe",
    ]
    changed = {
        "pod.terminationGracePeriodSeconds": 5, "pod.hostNetwork": True,
        "container.securityContext.privileged": True, "container.securityContext.runAsNonRoot": False,
        "container.securityContext.capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
        "container.image": "audit-log:latest",
    }
    for place, (_, pod, _) in enumerate(pods_of(documents)):
        for number in range(len(containers(pod))):
            ours = containers(pod)[number]["image"].startswith(OUR_IMAGE + ":")
            for path in removed + ["container.volumeMounts", "container.ports", "container.args"] * ours:
                broken = copy.deepcopy(documents)
                if edit(broken, place, number, path, lambda parent, key: parent.pop(key)):
                    yield f"without {path}", broken
            for path, value in changed.items():
                broken = copy.deepcopy(documents)
                if edit(broken, place, number, path, lambda parent, key: parent.__setitem__(key, value), True):
                    yield f"{path}: {value}", broken
    for kind in ("NetworkPolicy", "ConfigMap"):
        yield f"without any {kind}", [document for document in documents if document["kind"] != kind]
    for place, document in enumerate(documents):
        if document["kind"] == "Namespace":
            broken = copy.deepcopy(documents)
            del broken[place]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
            yield "a namespace that enforces nothing", broken
        if document["kind"] in ("Service", "PodDisruptionBudget"):
            broken = copy.deepcopy(documents)
            broken[place]["spec"]["selector"] = {"matchLabels": {"nobody": "has"}}
            yield f"a {document['kind']} for nobody", broken


def edit(documents, place, number, path, change, may_be_new=False):
    """Changes one value; says whether there was something to change."""
    pod = pods_of(documents)[place][1]
    what, *keys = path.split(".")
    parent = pod if what == "pod" else containers(pod)[number]
    for key in keys[:-1]:
        parent = parent.get(key)
        if parent is None:
            return False
    if keys[-1] not in parent and not may_be_new:
        return False
    change(parent, keys[-1])
    return True


def extract(name, documents, folder):
    """The configurations, and the variables that their containers have."""
    names = {variable["name"] for _, pod, _ in pods_of(documents) for container in containers(pod)
             for variable in container.get("env", [])}
    for document in documents:
        if document["kind"] == "ConfigMap":
            for key, text in document["data"].items():
                (folder / f"{name}-{document['metadata']['name']}-{key}").write_text(text, encoding="utf-8")
    return names


def main():
    version, folder, *files = sys.argv[1:]
    folder = pathlib.Path(folder)
    failed, names = 0, set()
    for file in map(pathlib.Path, files):
        documents = [document for document in yaml.safe_load_all(file.read_text(encoding="utf-8")) if document]
        found = list(findings(documents, version))
        names |= extract(file.stem, documents, folder)
        for finding in found:
            print(f"{file.stem}: {finding}")
        count = 0
        for what, broken in cases(documents):
            count += 1
            if not set(findings(broken, version)) - set(found):
                failed += 1
                print(f"{file.stem}: not noticed: {what}")
        failed += len(found)
        print(f"{file.stem}: {len(documents)} resources, {len(found)} findings, {count} broken copies")
    (folder / "variables").write_text("\n".join(sorted(names)), encoding="utf-8")
    sys.exit(1 if failed or not files else 0)


main()
