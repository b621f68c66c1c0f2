import GestureCore
import XCTest

@testable import GestureLogic
@testable import GestureTestSupport

final class BenchmarkTests: XCTestCase {
    func testArguments() throws {
        XCTAssertFalse(BenchmarkPlan.isAsked(["app", "-NSDoubleLocalizedStrings", "YES"]))
        XCTAssertTrue(BenchmarkPlan.isAsked(["app", "--benchmark"]))
        let plan = try BenchmarkPlan(arguments: [
            "app", "--benchmark", "--model", "m.mlpackage", "--compute-units", "CPU_ONLY", "--rounds", "7", "--run",
            "a-1", "--warm-up", "0", "--runtime", "coreml",
        ])
        XCTAssertEqual(plan.run, "a-1")
        XCTAssertEqual([plan.rounds, plan.warmUp, plan.threads, plan.coolDownMs], [7, 0, 1, 1000])
        XCTAssertEqual(plan.computeUnits, .cpuOnly)
        for wrong in [
            ["--rounds", "0"], ["--rounds", "x"], ["--run", "a/b"], ["--run", ".."], ["--threads", "65"],
            ["--runtime", "litert"], ["--rounds"],
            ["--colour", "1"],
        ] {
            XCTAssertThrowsError(try BenchmarkPlan(arguments: ["--benchmark", "--model", "m"] + wrong), "\(wrong)")
        }
        XCTAssertThrowsError(try BenchmarkPlan(arguments: ["--benchmark"]))
    }

    func testWarmUpIsNotCountedAndRestsAre() throws {
        let runner = FakeRunner(try TestContract.read())
        let phone = FakePhone()
        let times = try Benchmark(try plan(), phone: phone, clock: SteppingClock()).measure { runner }
        XCTAssertEqual(times.samples, [1, 1, 1, 1])
        XCTAssertEqual([times.load, times.first], [1, 1])
        XCTAssertEqual(runner.inputs.count, 1 + 2 + 4)
        XCTAssertFalse(zip(runner.inputs, runner.inputs.dropFirst()).contains { $0 == $1 })
        XCTAssertEqual(phone.slept, [30, 30])
        XCTAssertEqual(times.memoryBytes, 3_000_000)
    }

    func testTheFileHasAllKeysOfTheSchema() throws {
        let files = try ModelFiles()
        try files.add("m.mlpackage", contract: TestContract.json())
        let content = try perform(files, open: { _, _ in FakeRunner(try TestContract.read()) })
        XCTAssertEqual(Set(content.keys), Self.keys)
        XCTAssertEqual(content["status"], .string("done"))
        XCTAssertEqual(content["error"], .null)
        XCTAssertEqual(content["input"], .string("1 x 32 x 32"))
        XCTAssertEqual(content["sha256"], .string("abc"))
        XCTAssertEqual(content["bytes"], .number(7))
        XCTAssertEqual(content["median_ms"], .number(1))
        XCTAssertEqual(content["threads"], .null)
        XCTAssertEqual(content["thermal_before"], .string("light"))
        XCTAssertEqual(content["runtime_key"], .string("coreml"))
        guard case .array(let samples)? = content["samples_ms"] else { return XCTFail("no samples") }
        XCTAssertEqual(samples.count, 4)
    }

    /// So that whoever waits for the file is not left waiting.
    func testWrongArgumentsAreWrittenToo() throws {
        let wrong = ["--benchmark", "--model", "m", "--rounds", "0"]
        let content = try perform(try ModelFiles(), arguments: wrong, open: { _, _ in throw DemoError("never") })
        XCTAssertEqual(Set(content.keys), Self.keys)
        XCTAssertEqual(content["error"], .string("--rounds is '0'; expected 1 to 100000"))
        XCTAssertEqual(content["rounds"], .null)
    }

    func testAFailureIsWrittenToo() throws {
        let files = try ModelFiles()
        try files.add("m.mlpackage", contract: TestContract.json())
        let content = try perform(files, open: { _, _ in throw DemoError("Core ML cannot load m") })
        XCTAssertEqual(Set(content.keys), Self.keys)
        XCTAssertEqual(content["status"], .string("failed"))
        XCTAssertEqual(content["error"], .string("Core ML cannot load m"))
        XCTAssertEqual(content["network"], .string("sth_mobilenet_v2"))
        XCTAssertEqual(content["samples_ms"], .null)
        let absent = try perform(try ModelFiles(), open: { _, _ in throw DemoError("never") })
        guard case .string(let message)? = absent["error"] else { return XCTFail("no message") }
        XCTAssertTrue(message.contains("there is no model m.mlpackage"), message)
    }

    func testNoiseIsNeverConstantAndTheSameEachTime() throws {
        let spec = try TestContract.read().input
        var noise = Noise()
        guard case .int8(let values) = try noise.tensor(spec).elements else { return XCTFail("not int8") }
        XCTAssertEqual(values.count, 3072)
        XCTAssertGreaterThan(Set(values).count, 200)
        XCTAssertNotEqual(try noise.tensor(spec).elements, .int8(values))
        noise = Noise()
        XCTAssertEqual(try noise.tensor(spec).elements, .int8(values))
    }

    // MARK: Help

    private static let arguments = [
        "--benchmark", "--model", "m.mlpackage", "--rounds", "4", "--warm-up", "2", "--cool-down-ms", "30",
    ]

    private func plan() throws -> BenchmarkPlan { try BenchmarkPlan(arguments: Self.arguments) }

    private func perform(
        _ files: ModelFiles, arguments: [String] = arguments, open: (InstalledModel, ComputeUnits) throws -> Runner
    ) throws -> [String: JSONValue] {
        let out = files.folder.appendingPathComponent("benchmark")
        let phone = PhoneDescription(
            model: "iPhone15,2", system: "18.1", cores: 6, memoryBytes: 6_000_000_000, isSimulator: false,
            appVersion: "1.0", batteryPercent: 80, isCharging: false)
        let line = BenchmarkRun(arguments: arguments, models: files.folder, out: out)
            .perform(phone: FakePhone(), describe: { phone }, clock: SteppingClock(), open: open)
        let data = try Data(contentsOf: out.appendingPathComponent("benchmark.json"))
        let content = try JSONDecoder().decode([String: JSONValue].self, from: data)
        let status = content["status"] == .string("done") ? "done" : "failed"
        XCTAssertTrue(line.hasPrefix("sth-benchmark: \(status) benchmark "), line)
        try keep(data, status)
        return content
    }

    /// For the test that compares the files of both apps.
    private func keep(_ data: Data, _ status: String) throws {
        guard let path = ProcessInfo.processInfo.environment["STH_BENCHMARKS"] else { return }
        let folder = URL(fileURLWithPath: path, isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try data.write(to: folder.appendingPathComponent("\(status).json"))
    }

    /// Those of the Android app's file too.
    private static let keys: Set<String> = [
        "kind", "schema", "status", "error", "run", "app_version", "device", "artefact", "sha256", "bytes", "network",
        "precision", "mode", "input", "state_bytes", "runtime", "runtime_key", "compute_units", "threads", "rounds",
        "warm_up", "cool_down_ms", "seed", "thermal_before", "thermal_after", "battery", "load_ms", "first_ms",
        "median_ms", "p90_ms", "peak_mb", "samples_ms",
    ]
}
