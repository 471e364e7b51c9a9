// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IFineTuningTypes} from "../../../contracts/interfaces/IFineTuningTypes.sol";
import {IInferenceTypes} from "../../../contracts/interfaces/IInferenceTypes.sol";
import {ActorState} from "./ActorState.sol";

/// Providers that settle by deltas, batches and deliverables, rotate their signer, come and go.
abstract contract ProviderActors is ActorState {
    function settle(uint256 u, uint256 p, uint256 fee, bool replay) external {
        (address user, address who) = (_user(u), _provider(p));
        fee = bound(fee, 0, 8 ether);
        IInferenceTypes.TEESettlementData[] memory rows =
            new IInferenceTypes.TEESettlementData[](replay ? 2 : 1);
        rows[0] = _signedRow(TEE_KEY, user, who, fee, ++_nonce);
        if (replay) rows[1] = rows[0];
        signedAway[user][who] += fee;
        uint256 before = who.balance;
        vm.prank(who);
        inference.settleFeesWithTEE(rows);
        earned[user][who] += who.balance - before;
    }

    /// A batch over two users, who may be the same; now and then an old one again.
    function settleBatch(uint256 u, uint256 p, uint256 fee, uint256 age, bool replay) external {
        address who = _provider(p);
        (address one, address two) = (_user(u), _user(u / 4));
        fee = bound(fee, 0, 6 ether);
        uint48 number = uint48(++_nonce);
        owed[one][who] += fee;
        owed[two][who] += fee / 2;
        bytes memory rows = bytes.concat(_rowOf(one, owed[one][who]), _rowOf(two, owed[two][who]));
        signedAway[one][who] += fee;
        signedAway[two][who] += fee / 2;
        uint64 asOf = uint64(block.timestamp - bound(age, 0, 1 hours));
        _send(who, number, asOf, rows, one, two);
        if (replay) _send(who, number, asOf, rows, one, two);
    }

    function _send(address who, uint48 number, uint64 asOf, bytes memory rows, address one, address two)
        private
    {
        bytes memory signature = _batchSignature(TEE_KEY, who, number, asOf, rows);
        uint256[2] memory before = [_settledBy(one, who), _settledBy(two, who)];
        uint256 balance = who.balance;
        try inference.settleBatch(who, number, asOf, rows, signature) returns (uint256 paid) {
            uint256 first = _settledBy(one, who) - before[0];
            uint256 second = one == two ? 0 : _settledBy(two, who) - before[1];
            assertEq(paid, first + second);
            assertEq(who.balance, balance + paid);
            earned[one][who] += first;
            earned[two][who] += second;
        } catch {
            ++refused;
        }
        highestSettled[one][who] = _settledBy(one, who);
        highestSettled[two][who] = _settledBy(two, who);
    }

    function rotate(uint256 p, bool back) external {
        vm.prank(_provider(p));
        try inference.rotateSigner(back ? tee : vm.addr(OTHER_KEY), uint48(_nonce)) {}
        catch {
            ++refused;
        }
    }

    function deliver(uint256 u, uint256 p, uint256 fee, bool acknowledged) external {
        (address user, address who) = (_user(u), _provider(p));
        if (!fineTuning.accountExists(user, who)) return;
        fee = bound(fee, 0, 8 ether);
        string memory id = vm.toString(++_nonce);
        vm.prank(who);
        try fineTuning.addDeliverable(user, id, hex"aa") {} catch {}
        if (acknowledged) {
            vm.prank(user);
            try fineTuning.acknowledgeDeliverable(who, id) {} catch {}
        }
        IFineTuningTypes.VerifierInput memory input =
            _input(user, id, acknowledged ? bytes("k") : bytes(""), _nonce, fee);
        signedAway[user][who] += fee;
        uint256 before = who.balance;
        vm.prank(who);
        try fineTuning.settleFees(input) {}
        catch {
            ++refused;
            vm.prank(who);
            try fineTuning.abandonDeliverable(user, id) {} catch {}
        }
        earned[user][who] += who.balance - before;
    }

    function serve(uint256 p, bool tuning, bool on) external {
        address who = _provider(p);
        uint256 value = _stakeOf(tuning, who) == 0 ? MIN_STAKE : 0;
        vm.deal(who, who.balance + value);
        vm.startPrank(who);
        if (!on && tuning) {
            try fineTuning.removeService() {}
            catch {
                ++refused;
            }
        }
        if (!on && !tuning) {
            try inference.removeService() {}
            catch {
                ++refused;
            }
        }
        if (on && !tuning) inference.addOrUpdateService{value: value}(_params(tee));
        vm.stopPrank();
        if (on && tuning) _offer(who, tee, value);
    }

    function withdrawStake(uint256 p, bool tuning) external {
        vm.startPrank(_provider(p));
        if (tuning) {
            try fineTuning.withdrawStake() {}
            catch {
                ++refused;
            }
        } else {
            try inference.withdrawStake() {}
            catch {
                ++refused;
            }
        }
        vm.stopPrank();
    }
}
