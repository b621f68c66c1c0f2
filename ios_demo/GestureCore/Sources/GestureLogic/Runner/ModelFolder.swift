import Foundation
import GestureCore

/// The models that were put into the app.
public struct ModelFolder: Equatable, Sendable {
    /// Streams that this system can run, by name.
    public let models: [InstalledModel]
    /// Why others cannot be used, a line each.
    public let faults: [String]

    /// - Parameter keepsStates: whether this system's Core ML keeps states (iOS 18).
    public init(_ folder: URL, keepsStates: Bool) {
        var models: [InstalledModel] = []
        var faults: [String] = []
        for artefact in Self.artefacts(folder) {
            do {
                let model = try InstalledModel(artefact: artefact)
                try Self.check(model, keepsStates: keepsStates)
                models.append(model)
            } catch {
                faults.append("\(error)")
            }
        }
        self.models = models
        self.faults = faults
    }

    /// Of `model`, the runtime's first, or nil where there is none.
    public func first(_ runtime: RuntimeKey) -> InstalledModel? {
        models.first { $0.runtime == runtime }
    }

    private static func artefacts(_ folder: URL) -> [URL] {
        let found = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        let suffixes = RuntimeKey.allCases.map(\.suffix)
        return found.filter { suffixes.contains($0.pathExtension) }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
    }

    private static func check(_ model: InstalledModel, keepsStates: Bool) throws {
        if !model.contract.isStream {
            throw DemoError("\(model.id) takes whole clips; the live screen needs a stream")
        }
        if model.needsStates && !keepsStates {
            throw DemoError("\(model.id) keeps its states, which needs iOS 18; export it without --stateful")
        }
    }
}
