import Foundation
import GestureCore

/// An artefact in the app's folder of models, with its side files' content.
public struct InstalledModel: Equatable, Sendable, Identifiable {
    /// File name of the artefact.
    public let id: String
    public let url: URL
    public let runtime: RuntimeKey
    public let contract: Contract
    /// Nil of a clip.
    public let thresholds: Thresholds?
    /// As the exporter's report says; `mobile.apps.install_assets` compared the two.
    public let sha256: String

    /// Core ML keeps states from iOS 18 on only.
    public var needsStates: Bool { contract.stateful && runtime == .coreml }

    /// Reads the side files that `sth install --ios` puts beside an artefact.
    ///
    /// - Throws: `DemoError` that names the file that is missing or wrong.
    public init(artefact: URL) throws {
        id = artefact.lastPathComponent
        url = artefact
        guard let runtime = RuntimeKey.allCases.first(where: { $0.suffix == artefact.pathExtension }) else {
            throw DemoError("\(id) is no artefact; expected a name ending in .mlpackage or .pte")
        }
        self.runtime = runtime
        contract = try Contract.read(try Self.side(artefact, "contract"), name: "\(id).contract.json")
        guard contract.runtime == runtime.rawValue else {
            throw DemoError("\(id).contract.json is for \(contract.runtime), its artefact is not; export it again")
        }
        sha256 = try ExportReport.read(try Self.side(artefact, "report"), name: "\(id).report.json").sha256
        thresholds =
            contract.isStream
            ? try Thresholds.read(try Self.side(artefact, "events"), name: "\(id).events.json") : nil
    }

    private static func side(_ artefact: URL, _ kind: String) throws -> Data {
        let file = artefact.deletingLastPathComponent()
            .appendingPathComponent("\(artefact.lastPathComponent).\(kind).json")
        guard let data = try? Data(contentsOf: file) else {
            throw DemoError("\(file.lastPathComponent) is missing; sth install --ios brings it")
        }
        return data
    }
}

private struct ExportReport: Decodable {
    let sha256: String

    static func read(_ data: Data, name: String) throws -> ExportReport {
        do {
            return try JSONDecoder().decode(ExportReport.self, from: data)
        } catch {
            throw DemoError("\(name) names no sha256; export the artefact again")
        }
    }
}
