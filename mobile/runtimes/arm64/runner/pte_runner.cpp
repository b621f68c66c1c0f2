// Runs a .pte of a clip or of a stream in ExecuTorch with XNNPACK, without Python: on a phone, or on a desktop.
//
//     pte_runner --model M.pte --frames IN.raw --logits OUT.raw [--states RESET.raw] [--steps N]
//                [--threads N] [--rounds N --time] [--progress]
//
//   --frames   input tensors one after another, raw little-endian, in the type and layout of the artefact's first input:
//              a clip each, or for a stream a frame each.
//   --logits   what the first output was for each of them, raw little-endian, in the same order.
//   --states   a stream: its states before the first frame, raw little-endian, one after another in the order of the
//              inputs after the first. Output i of a step is input i of the next one.
//   --steps    a stream: after so many frames it begins anew from --states; default: never.
//   --threads  threads of XNNPACK; default 1.
//   --rounds   passes over all inputs, the last of which is written; default 1.
//   --time     report the time of each step of each round, of loading, and the peak of resident memory. Never ask for
//              it on an emulated CPU.
//   --progress a line "3 of 8" on standard output after each input of the last round.
//
// Nothing has happened until the last line of standard output is a JSON object with "ended": true, whose sha256 are
// those of the files that were meant:
//     {"runner": "pte_runner", "runtime": "executorch 1.5.1 (XNNPACK)", "machine": "aarch64", "threads": 1,
//      "model_sha256": "...", "frames_sha256": "...", "logits_sha256": "...", "inputs": 8, "states": 17,
//      "logits_dtype": "float32", "logits_shape": [1, 27], "ended": true}
// With --time also "load_ms", "step_ms" (a list), "peak_kb". Exit status: 0; 1 after a fault, which standard error names
// in one line beginning with "error: "; 2 for a wrong command line.
//
// Built by mobile.runtimes.arm64.build_runner for aarch64 and for this machine; it needs the libraries that lie beside it.

#include <sys/resource.h>
#include <sys/utsname.h>

#include <chrono>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>

#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

#include "sha256.h"

namespace et = executorch::runtime;
using executorch::aten::ScalarType;
using executorch::extension::Module;
using executorch::extension::TensorPtr;

// ExecuTorch's wheel ships the library of these two, not their header.
namespace executorch::extension::threadpool {
class ThreadPool {
 public:
  bool _unsafe_reset_threadpool(uint32_t threads);
};
ThreadPool* get_threadpool();
}  // namespace executorch::extension::threadpool

namespace {

using Bytes = std::vector<uint8_t>;

struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct WrongUse : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  std::string model, frames, logits, states;
  size_t steps = 0, threads = 1, rounds = 1;
  bool time = false, progress = false;
};

size_t count_of(const std::string& option, const std::string& text) {
  size_t end = 0, value = 0;
  try {
    value = std::stoul(text, &end);
  } catch (const std::exception&) {
  }
  if (value < 1 || end != text.size()) throw WrongUse(option + " is " + text + "; expected a number of at least 1");
  return value;
}

Options parse(int count, char** words) {
  Options options;
  const std::map<std::string, std::string*> texts = {{"--model", &options.model}, {"--frames", &options.frames},
                                                     {"--logits", &options.logits}, {"--states", &options.states}};
  const std::map<std::string, size_t*> counts = {
      {"--steps", &options.steps}, {"--threads", &options.threads}, {"--rounds", &options.rounds}};
  for (int i = 1; i < count; ++i) {
    const std::string name = words[i];
    if (name == "--time" || name == "--progress") {
      (name == "--time" ? options.time : options.progress) = true;
      continue;
    }
    if (texts.count(name) + counts.count(name) == 0) throw WrongUse("there is no option " + name);
    if (++i == count) throw WrongUse(name + " needs a value");
    if (texts.count(name)) *texts.at(name) = words[i];
    if (counts.count(name)) *counts.at(name) = count_of(name, words[i]);
  }
  if (options.model.empty() || options.frames.empty() || options.logits.empty()) {
    throw WrongUse("--model, --frames and --logits are needed");
  }
  return options;
}

template <class T>
T value_of(et::Result<T> result, const std::string& what) {
  if (!result.ok()) {
    throw Fault(what + " failed with ExecuTorch's error " + std::to_string(static_cast<int>(result.error())));
  }
  return std::move(*result);
}

void check(et::Error error, const std::string& what) {
  if (error != et::Error::Ok) throw Fault(what + " failed with ExecuTorch's error " + std::to_string(static_cast<int>(error)));
}

Bytes read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  Bytes content{std::istreambuf_iterator<char>(file), {}};
  if (!file || content.empty()) throw Fault("cannot read " + path);
  return content;
}

void write(const std::string& path, const Bytes& content) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  file.close();
  if (!file) throw Fault("cannot write " + path);
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// A loaded program and memory for its inputs.
class Network {
 public:
  Network(const std::string& path, const Bytes& reset) : module_(path) {
    check(module_.load_forward(), "loading " + path);
    const auto meta = value_of(module_.method_meta("forward"), "reading " + path);
    for (size_t i = 0; i < meta.num_inputs(); ++i) add_input(value_of(meta.input_tensor_meta(i), "reading an input"));
    if (meta.num_outputs() != inputs_.size()) {
      throw Fault("the program has " + std::to_string(inputs_.size()) + " inputs and " +
                  std::to_string(meta.num_outputs()) + " outputs; expected frames and states in, logits and states out");
    }
    if (reset.size() != state_bytes()) {
      throw Fault("--states holds " + std::to_string(reset.size()) + " bytes; the states of the program are " +
                  std::to_string(state_bytes()));
    }
  }

  size_t frame_bytes() const { return memory_[0].size(); }
  size_t states() const { return inputs_.size() - 1; }

  void begin(const Bytes& reset) {
    const uint8_t* from = reset.data();
    for (size_t i = 1; i < memory_.size(); from += memory_[i++].size()) {
      std::memcpy(memory_[i].data(), from, memory_[i].size());
    }
  }

  // The logits for one input; they and the new states are in the program's memory.
  const et::EValue& step(const uint8_t* frame) {
    std::memcpy(memory_[0].data(), frame, memory_[0].size());
    outputs_ = value_of(module_.forward(values_), "running the program");
    return outputs_[0];
  }

  // The new states become inputs; copied, since a program may plan an output where it still reads an input.
  void advance() {
    for (size_t i = 1; i < memory_.size(); ++i) {
      const auto& state = outputs_[i].toTensor();
      if (state.nbytes() != memory_[i].size()) throw Fault("output " + std::to_string(i) + " is no state of its input");
      std::memcpy(memory_[i].data(), state.const_data_ptr(), memory_[i].size());
    }
  }

 private:
  void add_input(const et::TensorInfo& info) {
    memory_.emplace_back(info.nbytes());
    const std::vector<executorch::aten::SizesType> sizes(info.sizes().begin(), info.sizes().end());
    inputs_.push_back(executorch::extension::make_tensor_ptr(sizes, memory_.back().data(), info.scalar_type()));
    values_.emplace_back(inputs_.back());
  }

  size_t state_bytes() const {
    size_t sum = 0;
    for (size_t i = 1; i < memory_.size(); ++i) sum += memory_[i].size();
    return sum;
  }

  Module module_;
  std::vector<Bytes> memory_;
  std::vector<TensorPtr> inputs_;
  std::vector<et::EValue> values_, outputs_;
};

struct Run {
  Bytes logits;
  std::string dtype, shape;
  std::vector<double> step_ms;
};

std::string name_of(ScalarType type) {
  if (type == ScalarType::Float) return "float32";
  if (type == ScalarType::Char) return "int8";
  throw Fault("the logits are of ExecuTorch's type " + std::to_string(static_cast<int>(type)) + "; expected float or int8");
}

template <class Sequence>
std::string list_of(const Sequence& values) {
  std::ostringstream text;
  for (const auto& value : values) text << (text.tellp() > 0 ? ", " : "") << value;
  return "[" + text.str() + "]";
}

void round_over(Network& network, const Bytes& frames, const Bytes& reset, size_t steps, bool progress, Run& run) {
  run.logits.clear();
  const size_t count = frames.size() / network.frame_bytes();
  for (size_t i = 0; i < count; ++i) {
    if (i == 0 || (steps && i % steps == 0)) network.begin(reset);
    const auto start = std::chrono::steady_clock::now();
    const auto& logits = network.step(frames.data() + i * network.frame_bytes()).toTensor();
    const auto* data = static_cast<const uint8_t*>(logits.const_data_ptr());
    run.logits.insert(run.logits.end(), data, data + logits.nbytes());
    network.advance();
    run.step_ms.push_back(milliseconds_since(start));
    run.dtype = name_of(logits.scalar_type());
    run.shape = list_of(logits.sizes());
    if (progress) std::cout << i + 1 << " of " << count << std::endl;
  }
}

std::string machine() {
  utsname names{};
  uname(&names);
  return names.machine;
}

int run(const Options& options) {
  executorch::extension::threadpool::get_threadpool()->_unsafe_reset_threadpool(static_cast<uint32_t>(options.threads));
  const Bytes frames = read(options.frames);
  const Bytes reset = options.states.empty() ? Bytes{} : read(options.states);
  const auto start = std::chrono::steady_clock::now();
  Network network(options.model, reset);
  const double load_ms = milliseconds_since(start);
  if (frames.size() % network.frame_bytes() != 0) {
    throw Fault(options.frames + " holds " + std::to_string(frames.size()) + " bytes; expected a multiple of " +
                std::to_string(network.frame_bytes()));
  }
  Run found;
  for (size_t left = options.rounds; left-- > 0;) {
    round_over(network, frames, reset, options.steps, options.progress && left == 0, found);
  }
  write(options.logits, found.logits);

  std::ostringstream times;
  if (options.time) {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    times << "\"load_ms\": " << load_ms << ", \"step_ms\": " << list_of(found.step_ms)
          << ", \"peak_kb\": " << usage.ru_maxrss << ", ";
  }
  std::cout << "{\"runner\": \"pte_runner\", \"runtime\": \"executorch " EXECUTORCH_VERSION " (XNNPACK)\", \"machine\": \""
            << machine() << "\", \"threads\": " << options.threads << ", \"model_sha256\": \""
            << sha256_of(options.model) << "\", \"frames_sha256\": \"" << sha256_of(options.frames)
            << "\", \"logits_sha256\": \"" << sha256_of(options.logits)
            << "\", \"inputs\": " << frames.size() / network.frame_bytes() << ", \"states\": " << network.states()
            << ", \"logits_dtype\": \"" << found.dtype << "\", \"logits_shape\": " << found.shape << ", " << times.str()
            << "\"ended\": true}" << std::endl;
  return 0;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(parse(count, words));
  } catch (const WrongUse& error) {
    std::cerr << "error: " << error.what() << "; the head of pte_runner.cpp lists the options" << std::endl;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << std::endl;
    return 1;
  }
}
