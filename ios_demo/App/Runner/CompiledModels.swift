import CoreML
import Foundation
import GestureCore
import GestureLogic

/// Packages are compiled on the phone once, and kept until others of their name take their place.
enum CompiledModels {
    /// - Throws: what Core ML's compiler throws.
    static func url(of model: InstalledModel) throws -> URL {
        let files = FileManager.default
        let folder = try files.url(for: .cachesDirectory, in: .userDomainMask, appropriateFor: nil, create: true)
            .appendingPathComponent("compiled/\(model.id)", isDirectory: true)
        let kept = folder.appendingPathComponent("\(model.sha256).mlmodelc")
        if files.fileExists(atPath: kept.path) { return kept }
        let package = model.url
        let compiled = try wait { try await MLModel.compileModel(at: package) }
        try? files.removeItem(at: folder)
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        try files.moveItem(at: compiled, to: kept)
        return kept
    }

    /// Waits on a thread of ours (the pipeline's worker), never on the main one.
    private static func wait<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) throws -> Value {
        let box = ResultBox<Value>()
        let done = DispatchSemaphore(value: 0)
        Task.detached(priority: .userInitiated) {
            do {
                box.result = .success(try await work())
            } catch {
                box.result = .failure(error)
            }
            done.signal()
        }
        done.wait()
        guard let result = box.result else { throw DemoError("Core ML's compiler gave nothing") }
        return try result.get()
    }
}

/// Written before the semaphore is signalled, read after.
private final class ResultBox<Value>: @unchecked Sendable {
    var result: Result<Value, Error>?
}
