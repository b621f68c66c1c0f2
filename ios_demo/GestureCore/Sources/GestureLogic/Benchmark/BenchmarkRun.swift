import Foundation
import GestureCore

/// A whole benchmark: from a plan to the file `benchmark/ID.json`, which exists only once the run has ended.
public struct BenchmarkRun {
    public let plan: BenchmarkPlan
    /// Where relative names of models lie.
    public let models: URL
    /// Where the file goes.
    public let out: URL

    public init(plan: BenchmarkPlan, models: URL, out: URL) {
        self.plan = plan
        self.models = models
        self.out = out
    }

    /// Measures and writes the file. Returns the last line for the console: `done ID PATH` or `failed ID MESSAGE`.
    ///
    /// - Parameter open: makes a runner of a model, in Core ML or ExecuTorch.
    public func perform(
        phone: BenchmarkPhone, describe: () -> PhoneDescription, clock: MonotonicClock = SystemClock(),
        open: (InstalledModel, ComputeUnits) throws -> Runner
    ) -> String {
        let file = out.appendingPathComponent("\(plan.run).json")
        var about: ArtefactDescription?
        do {
            try FileManager.default.createDirectory(at: out, withIntermediateDirectories: true)
            try? FileManager.default.removeItem(at: file)
            let result = Result { () throws -> BenchmarkTimes in
                let model = try chosen()
                about = Self.describe(model, runtime: nil)
                return try Benchmark(plan, phone: phone, clock: clock).measure {
                    let runner = try open(model, plan.computeUnits)
                    about = Self.describe(model, runtime: runner.runtime)
                    return runner
                }
            }
            let report = BenchmarkReport(plan: plan, phone: describe(), artefact: about, result: result)
            try report.data().write(to: file, options: .atomic)
            _ = try result.get()
            return "sth-benchmark: done \(plan.run) \(file.path)"
        } catch {
            return "sth-benchmark: failed \(plan.run) \(error)"
        }
    }

    private func chosen() throws -> InstalledModel {
        let isWhole = plan.model.hasPrefix("/")
        let url = isWhole ? URL(fileURLWithPath: plan.model) : models.appendingPathComponent(plan.model)
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw DemoError("there is no model \(plan.model); python -m mobile.install_assets --ios brings it")
        }
        let model = try InstalledModel(artefact: url)
        if let runtime = plan.runtime, runtime != model.runtime {
            throw DemoError("\(model.id) is for \(model.runtime.rawValue), not \(runtime.rawValue)")
        }
        return model
    }

    private static func describe(_ model: InstalledModel, runtime: String?) -> ArtefactDescription {
        let report = model.url.deletingLastPathComponent().appendingPathComponent("\(model.id).report.json")
        let content = (try? Data(contentsOf: report)).flatMap { try? JSONDecoder().decode(ExportReport.self, from: $0) }
        return ArtefactDescription(
            contract: model.contract, sha256: content?.sha256, bytes: sizeOf(model.url), runtime: runtime,
            runtimeKey: model.runtime)
    }

    private struct ExportReport: Decodable {
        let sha256: String
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
