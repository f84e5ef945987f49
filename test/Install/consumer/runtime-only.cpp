// Opens an artifact with the runtime library alone and says what it is.
#include <flowhn/Artifact/Artifact.h>

#include <cstdio>

int main(int argc, char **argv) {
  flowhn::Expected<flowhn::Artifact> artifact = flowhn::Artifact::open(argc > 1 ? argv[1] : "");
  if (!artifact.ok()) {
    std::fprintf(stderr, "error: %s\n", artifact.status().message().c_str());
    return 1;
  }
  std::printf("%lld layers\n", static_cast<long long>(artifact->manifest().model.numLayers));
  return 0;
}
