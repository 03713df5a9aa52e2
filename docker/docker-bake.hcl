# The builder and the runtime for each Python, suite and architecture. From the root of a clone:
#
#   docker buildx bake -f docker/docker-bake.hcl --print                   # what would be built
#   docker buildx bake -f docker/docker-bake.hcl                           # all of it
#   docker buildx bake -f docker/docker-bake.hcl python-builder-3-13-trixie python-runtime-3-13-trixie
#   docker buildx bake -f docker/docker-bake.hcl --set '*.platform=linux/amd64' --load debian-runtime-bookworm
#
# It runs as it is on a remote or a Kubernetes builder (docker buildx create --driver kubernetes --use). Images for two
# architectures cannot be loaded into an engine: give REGISTRY and --push, or one platform and --load as above.

variable "REGISTRY" {
  default = ""
}

# As a build argument, the time of all that depends on one.
variable "SOURCE_DATE_EPOCH" {
  default = null
}

group "default" {
  targets = ["python", "debian"]
}

target "common" {
  context   = "."
  platforms = ["linux/amd64", "linux/arm64"]
  args = {
    SOURCE_DATE_EPOCH = SOURCE_DATE_EPOCH
  }
}

# On the public images of Python.
target "python" {
  inherits = ["common"]
  name     = "python-${role}-${replace(version, ".", "-")}-${suite}"
  matrix = {
    role    = ["builder", "runtime"]
    version = ["3.10", "3.11", "3.12", "3.13", "3.14"]
    suite   = ["bookworm", "trixie"]
  }
  dockerfile = "docker/${role}/Dockerfile"
  args = {
    BASE           = "python"
    PYTHON_VERSION = version
    SUITE          = suite
  }
  tags = ["${REGISTRY}multistage-${role}:${version}-${suite}"]
}

# On Debian with its own Python, which the suite decides on.
target "debian" {
  inherits = ["common"]
  name     = "debian-${role}-${suite}"
  matrix = {
    role  = ["builder", "runtime"]
    suite = ["bookworm", "trixie"]
  }
  dockerfile = "docker/${role}/Dockerfile"
  args = {
    BASE  = "debian"
    SUITE = suite
  }
  tags = ["${REGISTRY}multistage-${role}:debian-${suite}"]
}
