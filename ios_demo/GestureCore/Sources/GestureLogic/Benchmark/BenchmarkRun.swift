import Foundation
import GestureCore

/// A whole benchmark: from launch arguments to the file `benchmark/ID.json`, which exists only once the run has ended.
public struct BenchmarkRun: Sendable {
    private let arguments: [String]
    /// Where relative names of models lie.
    private let models: URL
    /// Where the file goes.
    private let out: URL

    public init(arguments: [String], models: URL, out: URL) {
        self.arguments = arguments
        self.models = models
        self.out = out
    }

    /// Measures and writes the file, also where something fails. Returns the last line for the console: `done ID PATH`
    /// or `failed ID MESSAGE`.
    ///
    /// - Parameter open: makes a runner of a model, in Core ML or ExecuTorch.
    public func perform(
        phone: BenchmarkPhone, describe: () -> PhoneDescription, clock: MonotonicClock = SystemClock(),
        open: (InstalledModel, ComputeUnits) throws -> Runner
    ) -> String {
        var run = BenchmarkPlan.usualRun
        do {
            run = try BenchmarkPlan.run(of: arguments)
            let file = out.appendingPathComponent("\(run).json")
            try FileManager.default.createDirectory(at: out, withIntermediateDirectories: true)
            try? FileManager.default.removeItem(at: file)
            let (result, plan, about) = measure(phone, clock, open)
            let report = BenchmarkReport(run: run, plan: plan, phone: describe(), artefact: about, result: result)
            try report.data().write(to: file, options: .atomic)
            _ = try result.get()
            return "sth-benchmark: done \(run) \(file.path)"
        } catch {
            return "sth-benchmark: failed \(run) \(error)"
        }
    }

    /// The times or why there are none, and as much of plan and artefact as became known.
    private func measure(
        _ phone: BenchmarkPhone, _ clock: MonotonicClock, _ open: (InstalledModel, ComputeUnits) throws -> Runner
    ) -> (Result<BenchmarkTimes, Error>, BenchmarkPlan?, ArtefactDescription?) {
        var plan: BenchmarkPlan?
        var about: ArtefactDescription?
        let result = Result { () throws -> BenchmarkTimes in
            let wanted = try BenchmarkPlan(arguments: arguments)
            plan = wanted
            let model = try chosen(wanted)
            about = Self.describe(model, runtime: nil)
            return try Benchmark(wanted, phone: phone, clock: clock).measure {
                let runner = try open(model, wanted.computeUnits)
                about = Self.describe(model, runtime: runner.runtime)
                return runner
            }
        }
        return (result, plan, about)
    }

    private func chosen(_ plan: BenchmarkPlan) throws -> InstalledModel {
        let isWhole = plan.model.hasPrefix("/")
        let url = isWhole ? URL(fileURLWithPath: plan.model) : models.appendingPathComponent(plan.model)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw DemoError("there is no model \(plan.model); sth install --ios brings it")
        }
        let model = try InstalledModel(artefact: url)
        if let runtime = plan.runtime, runtime != model.runtime {
            throw DemoError("\(model.id) is for \(model.runtime.rawValue), not \(runtime.rawValue)")
        }
        return model
    }

    private static func describe(_ model: InstalledModel, runtime: String?) -> ArtefactDescription {
        ArtefactDescription(
            contract: model.contract, sha256: model.sha256, bytes: sizeOf(model.url), runtime: runtime,
            runtimeKey: model.runtime)
    }

    /// Bytes of a file, or of all files in a folder.
    private static func sizeOf(_ url: URL) -> Int {
        let files = FileManager.default.enumerator(at: url, includingPropertiesForKeys: nil)
        let all = [url] + (files?.compactMap { $0 as? URL } ?? [])
        return all.reduce(0) { total, file in
            let about = try? FileManager.default.attributesOfItem(atPath: file.path)
            guard about?[.type] as? FileAttributeType == .typeRegular else { return total }
            return total + ((about?[.size] as? NSNumber)?.intValue ?? 0)
        }
    }
}
