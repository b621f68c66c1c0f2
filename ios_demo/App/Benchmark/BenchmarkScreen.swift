import GestureLogic
import SwiftUI
import UIKit

/// Runs a benchmark as soon as it is shown, and ends the app with its last line, for which `devicectl` waits.
struct BenchmarkScreen: View {
    let arguments: [String]
    @State private var line = Strings.benchmarkRuns

    var body: some View {
        MessageView(text: line, symbol: "stopwatch")
            .task { await run() }
    }

    @MainActor
    private func run() async {
        UIApplication.shared.isIdleTimerDisabled = true
        let phone = Phone.describe()
        let run = BenchmarkRun(arguments: arguments, models: ModelFiles.folder, out: Self.folder)
        line = await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .userInitiated).async {
                continuation.resume(
                    returning: run.perform(phone: Phone(), describe: { phone }, open: Runners.open))
            }
        }
        print(line)
        exit(line.hasPrefix("sth-benchmark: done") ? 0 : 1)
    }

    /// `Documents/benchmark`, which Xcode and `devicectl device copy from` can read.
    private static var folder: URL {
        URL.documentsDirectory.appendingPathComponent("benchmark", isDirectory: true)
    }
}
