// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ISignerRotation} from "../../../contracts/interfaces/ISignerRotation.sol";
import {ActorState} from "./ActorState.sol";

/// Users who put money in, move it, acknowledge, and leave.
abstract contract UserActors is ActorState {
    function deposit(uint256 from, uint256 to, uint256 amount) external {
        (address payer, address user) = (_user(from), _user(to));
        amount = bound(amount, 1, 10 ether);
        vm.deal(payer, amount);
        vm.prank(payer);
        ledger.depositFundFor{value: amount}(user);
        paidIn[user] += amount;
    }

    function transfer(uint256 u, uint256 p, bool tuning, uint256 amount) external {
        address user = _user(u);
        amount = bound(amount, 0, 12 ether);
        vm.prank(user);
        try ledger.transferFund(_provider(p), _service(tuning), amount) {}
        catch {
            ++refused;
        }
    }

    function requestPart(uint256 u, uint256 p, uint256 amount) external {
        amount = bound(amount, 0, 5 ether);
        vm.prank(_user(u));
        try ledger.requestRefund(address(inference), _provider(p), amount) {}
        catch {
            ++refused;
        }
    }

    function retrieve(uint256 u, bool tuning) external {
        address[] memory all = new address[](2);
        (all[0], all[1]) = (providers[0], providers[1]);
        vm.prank(_user(u));
        try ledger.retrieveFund(all, _service(tuning)) {}
        catch {
            ++refused;
        }
    }

    function refund(uint256 u, uint256 amount, bool everything) external {
        address user = _user(u);
        amount = everything ? _availableOrZero(user) : bound(amount, 0, 12 ether);
        uint256 before = user.balance;
        vm.prank(user);
        try ledger.refund(amount) {
            assertEq(user.balance, before + amount);
            paidOut[user] += amount;
        } catch {
            ++refused;
        }
    }

    function deleteLedger(uint256 u) external {
        vm.prank(_user(u));
        try ledger.deleteLedger() {}
        catch {
            ++refused;
        }
    }

    function onboard(uint256 u, uint256 p, bool tuning, uint256 value, uint256 amount) external {
        (address user, address who) = (_user(u), _provider(p));
        value = bound(value, 0, 5 ether);
        amount = bound(amount, 0, 6 ether);
        address service = tuning ? address(fineTuning) : address(inference);
        (address signer,) = ISignerRotation(service).signerOf(who);
        vm.deal(user, user.balance + value);
        vm.prank(user);
        try ledger.onboard{value: value}(service, who, signer, amount) {
            paidIn[user] += value;
        } catch {
            ++refused;
        }
    }

    function leave(uint256 u) external {
        address user = _user(u);
        uint256 before = user.balance;
        vm.prank(user);
        try ledger.leave() {
            paidOut[user] += user.balance - before;
        } catch {
            ++refused;
        }
    }

    function withdrawAcknowledgement(uint256 u, uint256 p) external {
        vm.prank(_user(u));
        try inference.withdrawAcknowledgement(_provider(p)) {}
        catch {
            ++refused;
        }
    }

    function acknowledge(uint256 u, uint256 p, bool on) external {
        vm.prank(_user(u));
        try inference.acknowledgeTEESigner(_provider(p), on) {}
        catch {
            ++refused;
        }
    }
}
