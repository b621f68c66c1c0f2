import Foundation
import GestureCore

/// What the phone is, as the system tells; nil where it does not.
public struct PhoneDescription: Equatable, Sendable {
    public let model: String
    public let system: String
    public let cores: Int
    public let memoryBytes: UInt64
    public let isSimulator: Bool
    public let appVersion: String
    public let batteryPercent: Int?
    public let isCharging: Bool?

    public init(
        model: String, system: String, cores: Int, memoryBytes: UInt64, isSimulator: Bool, appVersion: String,
        batteryPercent: Int?, isCharging: Bool?
    ) {
        self.model = model
        self.system = system
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.isSimulator = isSimulator
        self.appVersion = appVersion
        self.batteryPercent = batteryPercent
        self.isCharging = isCharging
    }
}

/// The artefact's file.
public struct ArtefactDescription: Equatable, Sendable {
    public let contract: Contract
    /// As the exporter's report says.
    public let sha256: String?
    public let bytes: Int
    public let runtime: String?
    public let runtimeKey: RuntimeKey

    public init(contract: Contract, sha256: String?, bytes: Int, runtime: String?, runtimeKey: RuntimeKey) {
        self.contract = contract
        self.sha256 = sha256
        self.bytes = bytes
        self.runtime = runtime
        self.runtimeKey = runtimeKey
    }
}

/// The benchmark's file: schema 1 of both apps; what the other system alone tells is null.
public struct BenchmarkReport {
    public static let schema = 1

    public let run: String
    /// Nil where the launch arguments were wrong.
    public let plan: BenchmarkPlan?
    public let phone: PhoneDescription
    public let artefact: ArtefactDescription?
    public let result: Result<BenchmarkTimes, Error>

    public init(
        run: String, plan: BenchmarkPlan?, phone: PhoneDescription, artefact: ArtefactDescription?,
        result: Result<BenchmarkTimes, Error>
    ) {
        self.run = run
        self.plan = plan
        self.phone = phone
        self.artefact = artefact
        self.result = result
    }

    public var json: JSONValue {
        .object(about.merging(device) { $1 }.merging(model) { $1 }.merging(settings) { $1 }.merging(times) { $1 })
    }

    /// JSON as text, keys in order.
    public func data() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(json)
    }

    private var about: [String: JSONValue] {
        var error: JSONValue = .null
        if case .failure(let failure) = result { error = .string("\(failure)") }
        return [
            "kind": .string("ios_benchmark"), "schema": .number(Double(Self.schema)), "run": .string(run),
            "status": .string(error == .null ? "done" : "failed"), "error": error,
            "app_version": .string(phone.appVersion),
        ]
    }

    private var device: [String: JSONValue] {
        [
            "device": .object([
                "manufacturer": .string("Apple"), "model": .string(phone.model), "device": .string(phone.model),
                "soc": .null, "abi": .string("arm64"), "cores": .number(Double(phone.cores)),
                "memory_mb": .number(Double(phone.memoryBytes) / 1e6), "ios": .string(phone.system), "android": .null,
                "api": .null, "fingerprint": .null, "emulator": .bool(phone.isSimulator),
            ]),
            "battery": .object([
                "percent": .number(phone.batteryPercent), "charging": phone.isCharging.map(JSONValue.bool) ?? .null,
                "temperature_c": .null,
            ]),
        ]
    }

    private var model: [String: JSONValue] {
        let contract = artefact?.contract
        let size = contract.map { "\($0.framesPerInference) x \($0.preprocess.size) x \($0.preprocess.size)" }
        return [
            "artefact": .string(plan?.model), "sha256": .string(artefact?.sha256), "bytes": .number(artefact?.bytes),
            "network": .string(contract?.network), "precision": .string(contract?.precision),
            "mode": .string(contract?.mode), "input": .string(size), "state_bytes": .number(contract?.stateBytes),
            "runtime": .string(artefact?.runtime), "runtime_key": .string(artefact?.runtimeKey.rawValue),
            "compute_units": .string(artefact?.runtimeKey == .coreml ? plan?.computeUnits.rawValue : nil),
        ]
    }

    private var settings: [String: JSONValue] {
        [
            "threads": .null, "rounds": .number(plan?.rounds), "warm_up": .number(plan?.warmUp),
            "cool_down_ms": .number(plan?.coolDownMs),
            "seed": .number(Double(Noise.seed)),
        ]
    }

    private var times: [String: JSONValue] {
        guard case .success(let times) = result, let spread = Percentiles(of: times.samples) else {
            let keys = ["thermal_before", "thermal_after", "load_ms", "first_ms", "median_ms", "p90_ms", "peak_mb"]
            return Dictionary(uniqueKeysWithValues: (keys + ["samples_ms"]).map { ($0, .null) })
        }
        return [
            "thermal_before": .string(times.thermalBefore.reported),
            "thermal_after": .string(times.thermalAfter.reported), "load_ms": .number(times.load),
            "first_ms": .number(times.first), "median_ms": .number(spread.p50), "p90_ms": .number(spread.p90),
            "peak_mb": times.memoryBytes.map { .number(Double($0) / 1e6) } ?? .null,
            "samples_ms": .array(times.samples.map(JSONValue.number)),
        ]
    }
}

extension JSONValue {
    fileprivate static func string(_ value: String?) -> JSONValue { value.map { JSONValue.string($0) } ?? .null }
    fileprivate static func number(_ value: Int?) -> JSONValue { value.map { JSONValue.number(Double($0)) } ?? .null }
}
